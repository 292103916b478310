import { expect, test } from 'vitest';
import {
  decodeMessages,
  encodeAttribute,
  encodeMessage,
  encodeNest,
  endOf,
  findAttribute,
} from '../../../lib/netlink/message.ts';
import { netfilterRequest } from '../../../lib/netlink/netfilter.ts';

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

test('an attribute is found by its number, without its flags; one that is cut off is not', () => {
  const bytes = Buffer.from('0c00018005000200110000000600034013880000' + '09000400aa', 'hex');
  const found = [1, 3, 4, 5].map((type) => findAttribute(bytes, type)?.toString('hex'));
  expect(found).toEqual(['0500020011000000', '1388', undefined, undefined]);
  expect(findAttribute(Buffer.from('0300010000000000', 'hex'), 1)).toBeUndefined();
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
