import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRemembered, writeRemembered } from '../../../lib/overlay/subnet-env/remembered.ts';
import { subnet } from '../../support/overlay-planes.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const both = { 4: subnet(7), 6: subnet(7, 6) };

test('subnets are remembered, in a directory that is made for them, and nothing else is left there', () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/lib/overlay.json`;

  writeRemembered(path, both);
  writeRemembered(path, { 4: subnet(8) });
  expect(readRemembered(path)).toEqual({ 4: subnet(8) });
  writeRemembered(path, both);

  expect(readRemembered(path)).toEqual(both);
  expect(readdirSync(`${dir.path}/lib`)).toEqual(['overlay.json']);
});

test.each([
  ['no file', undefined],
  ['nothing', ''],
  ['half of it', '{"subnets": ["10.5.7.0/'],
  ['something else', '[1, 2]'],
  ['null', 'null'],
  ['subnets that are none', '{"subnets": ["nonsense", 7, null]}'],
])('a file that is damaged counts as none: %s', (_, text) => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/overlay.json`;
  if (text !== undefined) writeFileSync(path, text);

  expect(readRemembered(path)).toEqual({});
});

test('what cannot be written says where, and leaves what was there', () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/overlay.json`;
  mkdirSync(path);

  expect(() => writeRemembered(path, both)).toThrow(`overlay.stateFile: writing ${path}`);
  expect([existsSync(path), readdirSync(dir.path)]).toEqual([true, ['overlay.json']]);
});
