import { expect, test } from 'vitest';
import {
  allEntriesRequest,
  deleteRequest,
  entriesRequest,
  matchingEntry,
} from '../../../lib/exec/conntrack-message.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import type { Flow } from '../../../lib/plan/flow.ts';

const udp: Flow = { protocol: 'udp', family: 4, port: 5000 };
const address = parseAddress('10.1.0.2');
const narrow: Flow = address === undefined ? udp : { ...udp, address };

const body = (flows: readonly Flow[]) => entriesRequest(flows).body.toString('hex');

/** `udp src=10.1.0.9 dst=10.1.0.2 sport=7000 dport=5000`, as the kernel sends it. */
const tuple = [
  ['14000180', '080001000a010009', '080002000a010002'],
  ['1c000280', '0500010011000000', '060002001b580000', '0600030013880000'],
]
  .flat()
  .join('');
const entry = [
  '02000000',
  '34000180',
  tuple,
  '0800020000000000',
  '08000c00deadbeef',
  '0600120000050000',
].join('');

const answer = (text: string) => ({ type: 0x100, flags: 2, sequence: 1, body: Buffer.from(text, 'hex') });

test('the kernel is asked for one flow by protocol, port and address', () => {
  expect(entriesRequest([narrow])).toMatchObject({ type: 0x101, flags: 0x301 });
  expect(body([narrow])).toBe(
    [
      ['02000000', '24000180', '0c000180', '080002000a010002'],
      ['14000280', '0500010011000000', '0600030013880000'],
      ['0c001980', '080001002a000000'],
    ]
      .flat()
      .join(''),
  );
});

test('the kernel is asked for several flows by what they have in common', () => {
  const ports = [udp, { ...udp, port: 5001 }];
  expect(body(ports)).toBe(
    ['02000000', '14000180', '04000180', '0c000280', '0500010011000000', '0c001980', '0800010008000000'].join(
      '',
    ),
  );
  expect(body([udp, { ...udp, protocol: 'sctp' }])).toBe('02000000');
  expect(body([udp, { ...udp, family: 6 }])).toBe('00000000');
  expect(allEntriesRequest([{ ...udp, family: 6 }]).body.toString('hex')).toBe('0a000000');
});

test('an entry is of a flow that has its protocol, port, family and address', () => {
  expect(matchingEntry(answer(entry), [udp])).toBeDefined();
  expect(matchingEntry(answer(entry), [{ ...udp, port: 1 }, narrow])).toBeDefined();
});

test.each<[string, Flow]>([
  ['port', { ...udp, port: 5001 }],
  ['source port', { ...udp, port: 7000 }],
  ['protocol', { ...udp, protocol: 'tcp' }],
  ['family', { ...udp, family: 6 }],
  ['address', { ...udp, address: { family: 4, bits: 0x0a010009n } }],
])('an entry of another %s is left alone', (_, flow) => {
  expect(matchingEntry(answer(entry), [flow])).toBeUndefined();
});

test.each([
  ['without a tuple', '02000000'],
  ['without a port', '02000000200001801400018008000100' + '0a010009080002000a010002080002800400'],
  ['that is cut off', entry.slice(0, 40)],
])('an answer %s is left alone', (_, text) => {
  expect(matchingEntry(answer(text), [udp])).toBeUndefined();
});

test('a deletion names exactly the entry that was found: tuple, zone and id as the kernel sent them', () => {
  const found = matchingEntry(answer(entry), [udp]);
  if (found === undefined) throw new Error('the entry was not found');
  const { type, flags, body: bytes } = deleteRequest(found);
  expect([type, flags]).toEqual([0x102, 5]);
  expect(bytes.toString('hex')).toBe(
    ['02000000', '34000180', tuple, '0600120000050000', '08000c00deadbeef'].join(''),
  );
});

test('an entry keeps its bytes when the memory of the answer is used again', () => {
  const { body: memory, ...rest } = answer(entry);
  const found = matchingEntry({ ...rest, body: memory }, [udp]);
  memory.fill(0);
  expect(found?.tuple.toString('hex')).toBe(tuple);
});
