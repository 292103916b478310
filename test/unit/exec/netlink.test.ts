import { expect, test } from 'vitest';
import {
  decodeAttributes,
  decodeMessages,
  encodeAttribute,
  encodeMessage,
  encodeNest,
  endOf,
  netfilterRequest,
} from '../../../lib/exec/netlink.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('a message has its length, type, flags and sequence before its body, and is padded to four bytes', () => {
  const message = { type: 0x0102, flags: 0x0304, sequence: 0x05060708, body: Buffer.from('aabb', 'hex') };
  expect(hex(encodeMessage(message))).toBe('120000000201040308070605000000' + '00aabb0000');
});

test('an attribute’s length does not count its padding', () => {
  expect(hex(encodeAttribute(3, Buffer.from([0x13, 0x88])))).toBe('0600030013880000');
  expect(hex(encodeNest(1, encodeAttribute(2, Buffer.from([17]))))).toBe('0c000180' + '0500020011000000');
});

test('a request of netfilter’s names part and command in its type, and its family', () => {
  const { type, flags, body } = netfilterRequest('nftables', 4, { flags: 4, family: 7, attributes: [] });
  expect([type, flags, hex(body)]).toEqual([0x0a04, 5, '07000000']);
});

test('several messages come out of one datagram', () => {
  const messages = [1, 2].map((sequence) => ({
    type: 256,
    flags: 2,
    sequence,
    body: Buffer.from([sequence]),
  }));
  expect(decodeMessages(Buffer.concat(messages.map(encodeMessage)))).toEqual(messages);
});

test.each([
  ['cut off', '40000000000100000100000000000000aabb'],
  ['shorter than its header', '0f000000000100000100000000000000'],
  ['of no length', '00000000000100000100000000000000'],
  ['less than a header', '100000'],
])('a message that is %s ends the reading', (_, text) => {
  expect(decodeMessages(Buffer.from(text, 'hex'))).toEqual([]);
});

test('attributes come out by number, without their flags; one that is cut off is left out', () => {
  const bytes = Buffer.from(
    `${'0c000180'}${'0500020011000000'}${'06000340'}${'13880000'}${'09000400aa'}`,
    'hex',
  );
  const attributes = decodeAttributes(bytes);
  expect([...attributes].map(([type, payload]) => [type, hex(payload)])).toEqual([
    [1, '0500020011000000'],
    [3, '1388'],
  ]);
});

test('an error and the end of a dump end a request, an answer does not', () => {
  const message = (type: number, body: string) => ({
    type,
    flags: 0,
    sequence: 1,
    body: Buffer.from(body, 'hex'),
  });
  expect(endOf(message(2, 'feffffff'))).toBe(2);
  expect(endOf(message(2, '00000000'))).toBe(0);
  expect(endOf(message(3, 'a1ffffff'))).toBe(95);
  expect(endOf(message(3, ''))).toBe(0);
  expect(endOf(message(0x100, '02000000'))).toBeUndefined();
});
