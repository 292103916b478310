import { expect, test } from 'vitest';
import { readLines } from '../../../lib/etcd/lines.ts';

async function read(pieces: readonly string[], longest = 100): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of readLines(stream(pieces), longest)) lines.push(line);
  return lines;
}

async function* stream(pieces: readonly string[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece, 'latin1');
}

test('has the same lines wherever the pieces end, also within a character', async () => {
  const text = Buffer.from('first\nzwölf\n\nкраткая\nlast').toString('latin1');

  for (let size = 1; size <= text.length; size++) {
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    expect(await read(pieces)).toEqual(['first', 'zwölf', 'краткая', 'last']);
  }
});

test('has no lines where nothing comes', async () => {
  expect(await read([])).toEqual([]);
});

test('takes many lines that are longer than the limit together', async () => {
  expect(await read(Array(50).fill('123456789\n'))).toHaveLength(50);
});

test('gives up on a line without an end', async () => {
  await expect(read(Array(50).fill('123456789'))).rejects.toThrow('a line is longer than 100 bytes');
});
