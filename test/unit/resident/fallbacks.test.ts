import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseFallbacks, readFallbacks, takeFallbacks } from '../../../lib/resident/fallbacks.ts';
import { must } from '../../support/process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const line = '1790000000 differs ADD bridge';
const fallback = { atSeconds: 1_790_000_000, reason: 'differs', verb: 'ADD', plugin: 'bridge' };

test('each line is a call that a client has executed; a word that is not known is another reason', () => {
  expect(parseFallbacks(`${line}\n1790000001 tired DEL portmap\n`)).toEqual([
    fallback,
    { atSeconds: 1_790_000_001, reason: 'other', verb: 'DEL', plugin: 'portmap' },
  ]);
});

test.each([
  '',
  'x',
  '1 2',
  `${line} more`,
  `x ${line}`,
  '-1 lost ADD bridge',
  `1 lost ADD ${'x'.repeat(65)}`,
])('%j is passed over, and what follows is read', (bad) => {
  expect(parseFallbacks(`${bad}\n${line}\n`)).toEqual([fallback]);
});

test('what was taken is gone, and what is written later is taken then', () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/fallbacks`;
  expect(takeFallbacks(path)).toEqual([]);

  for (const lines of [1, 2]) {
    writeFileSync(path, `${line}\n`.repeat(lines));
    expect(readFallbacks(path)).toHaveLength(lines);
    expect(takeFallbacks(path)).toHaveLength(lines);
    expect(readdirSync(directory.path)).toEqual([]);
  }
});

test('no more of a file is read than clients write', () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/fallbacks`;
  writeFileSync(path, `${line}\n`.repeat(100_000));

  expect(takeFallbacks(path).length).toBe(Math.floor((1024 * 1024) / (line.length + 1)));
});

test('a pipe in its place keeps nobody waiting, and what a link leads to is neither read nor removed', async () => {
  using directory = temporaryDirectory();
  const [path, other] = [`${directory.path}/fallbacks`, `${directory.path}/other`];
  await must('mkfifo', [path]);
  expect(takeFallbacks(path)).toEqual([]);

  writeFileSync(other, `${line}\n`);
  symlinkSync(other, path);

  expect(() => takeFallbacks(path)).toThrow('ELOOP');
  expect([existsSync(path), existsSync(other)]).toEqual([false, true]);
});

test('a directory in its place is an error that says so', () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/fallbacks`;
  mkdirSync(path);

  expect(() => takeFallbacks(path)).toThrow(/EISDIR|directory/);
});
