import { expect, test } from 'vitest';
import { parsePage, toKeyRange } from '../../../lib/etcd/key-values.ts';

const base64 = (text: string, encoding: BufferEncoding = 'utf8') =>
  Buffer.from(text, encoding).toString('base64');

test.each([
  ['/a/', '/a0'],
  ['a', 'b'],
  ['/a~', '/a\x7f'],
])('the keys below %j end before %j', (prefix, end) => {
  expect(toKeyRange(prefix)).toEqual({ key: base64(prefix), range_end: base64(end) });
});

test('the keys below an empty prefix are all: from the first that can be, without an end', () => {
  expect(toKeyRange('')).toEqual({ key: base64('\0'), range_end: base64('\0') });
});

test('holds every key that begins with the prefix, and no other, for any last character', () => {
  for (const last of ['a', '\x7f', '߿', '\uffff', '\u{10ffff}']) {
    const { key, range_end } = toKeyRange(`/${last}`);
    const isWithin = (text: string) => {
      const bytes = Buffer.from(text);
      const isFrom = bytes.compare(Buffer.from(key, 'base64')) >= 0;
      return isFrom && bytes.compare(Buffer.from(range_end, 'base64')) < 0;
    };

    expect(isWithin(`/${last}`) && isWithin(`/${last}\u{10ffff}\u{10ffff}`)).toBe(true);
    expect(isWithin('/') || isWithin(`0`)).toBe(false);
  }
});

test('goes on after the last key of a page, byte for byte, where there are more', () => {
  const header = { revision: '7' };
  const kvs = [{ key: base64('a') }, { key: base64('ff00fe', 'hex') }];

  expect(parsePage({ header, kvs, more: true }).next).toBe(base64('ff00fe00', 'hex'));
  expect(parsePage({ header, kvs }).next).toBeUndefined();
  expect(parsePage({ header, more: true }).next).toBeUndefined();
});

test('reads a key with all that the gateway leaves out', () => {
  expect(parsePage({ header: { revision: '7' }, kvs: [{ key: 'YQ==', mod_revision: '3' }] }).kvs).toEqual([
    { key: 'a', value: '', createRevision: 0, modRevision: 3, lease: '0' },
  ]);
});

test('keeps the id of a lease that a number does not hold', () => {
  const kvs = [{ key: 'YQ==', lease: '7587862094561475843' }];

  expect(parsePage({ header: { revision: '7' }, kvs }).kvs[0]?.lease).toBe('7587862094561475843');
});
