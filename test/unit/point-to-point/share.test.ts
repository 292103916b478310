import { readdirSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasAddress, parseShare, renderShare } from '../../../lib/blocks/share/share.ts';
import { readShare, removeShare, writeShare } from '../../../lib/blocks/share/share-file.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { shareOf } from '../../support/point-to-point.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const share = shareOf('/var/lib/cni/networks', ['10.50.0.64', '10.50.0.126'], ['fd00:50::7', 'fd00:50::7']);

test('a share is the same once it was written and read', () => {
  expect(parseShare(renderShare(share), 'blocks.json')).toEqual(share);
});

test('fields of a later release are passed over', () => {
  const written = JSON.parse(renderShare(share));
  const later = {
    ...written,
    other: 1,
    ranges: written.ranges.map((range: object) => ({ ...range, other: 1 })),
  };

  expect(parseShare(JSON.stringify(later), 'blocks.json')).toEqual(share);
});

test('without the families, which an earlier release does not tell, they are those of the ranges', () => {
  const earlier = { ...JSON.parse(renderShare(share)), families: undefined };

  expect(parseShare(JSON.stringify(earlier), 'blocks.json').families).toEqual([4, 6]);
});

test.each([
  ['10.50.0.63', false],
  ['10.50.0.64', true],
  ['10.50.0.126', true],
  ['10.50.0.127', false],
  ['fd00:50::7', true],
  ['fd00:50::8', false],
])('of the address %s the share says %s', (text, isOwn) => {
  const address = parseAddress(text);
  expect(address !== undefined && hasAddress(share, address)).toBe(isOwn);
});

test('the file appears whole, readable by all, and goes', () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/below/blocks.json`;
  const absent = readShare(path);

  writeShare(path, share);
  writeShare(path, { ...share, ranges: [] });

  expect(absent).toBeUndefined();
  expect(readShare(path)?.ranges).toEqual([]);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(readdirSync(`${dir.path}/below`)).toEqual(['blocks.json']);
  expect(readFileSync(path, 'utf8').endsWith('\n')).toBe(true);
  removeShare(path);
  removeShare(path);
  expect(readShare(path)).toBeUndefined();
});

const range = { pool: '10.50.0.0/16', first: '10.50.0.1', last: '10.50.0.2' };

test.each([
  ['{', 6, /blocks\.json is not JSON/],
  [{ network: undefined }, 7, /name: is required/],
  [{ dataDir: 'networks' }, 7, /blocks\.json\.dataDir: expected an absolute path/],
  [{ mtu: 0 }, 7, /blocks\.json\.mtu/],
  [{ families: [5] }, 7, /families\[0\]: expected 4 or 6/],
  [{ pools: ['10.50.0.1/16'] }, 7, /blocks\.json\.pools\[0\]: .*host bits/],
  [
    { ranges: [{ ...range, first: '10.51.0.1' }] },
    7,
    /ranges\[0\]\.first: expected an address of 10\.50\.0\.0\/16/,
  ],
  [{ ranges: [{ ...range, last: '10.50.0.0' }] }, 7, /ranges\[0\]\.last: expected an address not before/],
])('what is not understood is refused by name: %j', (changes, code, says) => {
  const text =
    typeof changes === 'string' ? changes : JSON.stringify({ ...JSON.parse(renderShare(share)), ...changes });

  expect(() => parseShare(text, 'blocks.json')).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(says) }),
  );
});
