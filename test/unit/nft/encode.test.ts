import { expect, test } from 'vitest';
import { encodeNft } from '../../../lib/nft/encode.ts';
import { encodeParts } from '../../../lib/nft/encode-parts.ts';
import type { NftOperation, NftTable } from '../../../lib/nft/operation.ts';
import { findIn } from '../../../lib/nft/set-types.ts';

const table: NftTable = { family: 'inet', name: 'fairlead' };
const findTypes = findIn([
  { kind: 'add-set', table, set: 's', types: ['ipv4_addr'] },
  { kind: 'add-set', table, set: 'm', types: ['ipv4_addr'], values: ['verdict'] },
]);
const element = { kind: 'add-element', table, set: 's', key: ['10.0.0.1'] } as const;

test.each<[type: string, text: string]>([
  ['ifname', 'eth0'],
  ['ifname', '"eth*"'],
  ['ifname', '"a\\b"'],
  ['ifname', '"sixteen-letters-"'],
  ['ifname', '""'],
  ['ether_addr', '02:00:00:00:00'],
  ['ether_addr', '02-00-00-00-00-01'],
  ['ipv4_addr', '10.0.0.0/8'],
  ['ipv4_addr', '10.0.0.1-10.0.0.2'],
  ['ipv4_addr', '::1'],
  ['ipv6_addr', '10.0.0.1'],
  ['ipv6_addr', '::ffff:10.0.0.1'],
  ['ipv6_addr', 'fe80::1%eth0'],
  ['inet_proto', '6'],
  ['inet_proto', 'constructor'],
  ['inet_service', 'http'],
  ['inet_service', '65536'],
  ['inet_service', '0x50'],
  ['inet_service', '080'],
  ['mark', '1'],
  ['constructor', 'x'],
])('a part of type %s is not read from %s', (type, text) => {
  expect(encodeParts([text], [type])).toBeUndefined();
});

test('a key of another number of parts is none', () => {
  expect(encodeParts(['10.0.0.1'], ['ipv4_addr', 'ipv4_addr'])).toBeUndefined();
  expect(encodeParts(['10.0.0.1', '10.0.0.1'], ['ipv4_addr'])).toBeUndefined();
});

test.each<[what: string, operation: NftOperation]>([
  ['a chain', { kind: 'write-chain', table, chain: 'c', comment: '', rules: [] }],
  ['a chain that goes', { kind: 'delete-chain', table, chain: 'c' }],
  ['a set', { kind: 'add-set', table, set: 't', types: ['ipv4_addr'] }],
  ['a table that goes', { kind: 'delete-table', table }],
  ['an element of a set that nobody declares', { ...element, set: 't' }],
  ['an element of the same set in another family', { ...element, table: { ...table, family: 'bridge' } }],
  ['an element with a value in a set', { ...element, value: ['10.0.0.2'] }],
  ['a verdict other than goto', { ...element, set: 'm', value: ['drop'] }],
  ['a verdict with more behind it', { ...element, set: 'm', value: ['goto c; accept'] }],
  ['a comment with a quote', { ...element, comment: 'a"b' }],
  ['a comment with a newline', { ...element, comment: 'a\nb' }],
  ['a comment that is too long', { ...element, comment: 'x'.repeat(128) }],
])('%s leaves the whole transaction to nft', (_, operation) => {
  expect(encodeNft([element], findTypes)).toHaveLength(3);
  expect(encodeNft([element, operation], findTypes)).toBeUndefined();
});

test('only the last element asks for an answer', () => {
  const messages = encodeNft([element, element, element], findTypes) ?? [];

  expect(messages.map(({ flags }) => (flags & 4) !== 0)).toEqual([false, false, false, true, false]);
});
