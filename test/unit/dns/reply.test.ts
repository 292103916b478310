import { describe, expect, test } from 'vitest';
import { bareAnswer, positiveAnswer } from '../../../lib/dns/answer.ts';
import { parseQuery } from '../../../lib/dns/query.ts';
import type { RecordData } from '../../../lib/dns/record.ts';
import {
  renderReply,
  type Sending,
  writeProblem,
  writeReply,
  writeTruncated,
} from '../../../lib/dns/reply.ts';
import { Rcode } from '../../../lib/dns/wire.ts';
import { type QuerySaid, queryPacket, readMessage } from '../../support/dns.ts';

const name = ['web', 'default', 'svc', 'fairlead', 'internal'];
const target = ['c1', 'net', 'fairlead', 'internal'];
const ttlSeconds = 7;
const udp: Sending = { transport: 'udp', recursion: false };
const tcp: Sending = { transport: 'tcp', recursion: false };

function parsed(said: QuerySaid = {}, text = name.join('.')) {
  const query = parseQuery(queryPacket(text, said));
  if (query?.kind !== 'query') throw new Error('no query');
  return query;
}

/** What goes out to this query with these records, read again. */
function exchange(
  data: readonly RecordData[],
  said: QuerySaid & { sending?: Sending; beside?: number } = {},
) {
  const query = parsed(said);
  const beside = Array.from({ length: said.beside ?? 0 }, (_, index) => ({
    name: [`t${index}`, ...target],
    ttlSeconds,
    data: { type: 'A', address: '10.0.0.1' } as const,
  }));
  const answer = positiveAnswer(
    data.map((each) => ({ name, ttlSeconds, data: each })),
    beside,
  );
  const octets = renderReply(writeReply(query, answer, said.sending ?? udp), query.packet);
  return { ...readMessage(octets), length: octets.length };
}

const addresses = (count: number): RecordData[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'A', address: `10.1.${index >> 8}.${index & 255}` }));

describe('an answer', () => {
  test.each<[RecordData, string]>([
    [{ type: 'A', address: '10.1.0.255' }, 'A 10.1.0.255'],
    [{ type: 'AAAA', address: 'fd00::1:0:0:2' }, 'AAAA fd00::1:0:0:2'],
    [{ type: 'AAAA', address: '::' }, 'AAAA ::'],
    [{ type: 'AAAA', address: '::1' }, 'AAAA ::1'],
    [{ type: 'AAAA', address: '2001:db8:1:2:3:4:5:6' }, 'AAAA 2001:db8:1:2:3:4:5:6'],
    [{ type: 'AAAA', address: 'fe80::' }, 'AAAA fe80::'],
    [
      { type: 'SRV', priority: 0, weight: 65_535, port: 8080, target },
      `SRV 0 65535 8080 ${target.join('.')}`,
    ],
    [{ type: 'PTR', target }, `PTR ${target.join('.')}`],
    [{ type: 'NS', target }, `NS ${target.join('.')}`],
    [{ type: 'TXT', strings: ['a=b', '', 'ü'] }, 'TXT "a=b" "" "ü"'],
    [
      { type: 'SOA', primary: target, mailbox: ['x'], serial: 4_294_967_295, minimum: 1 },
      `SOA ${target.join('.')} x 4294967295 1200 180 1209600 1`,
    ],
  ])('%j is read as it was written', (data, expected) => {
    const { answers, ttls } = exchange([data]);
    expect(answers).toEqual([`${name.join('.')} ${expected}`]);
    expect(ttls).toEqual([ttlSeconds]);
  });

  test('splits what is longer than 255 octets into several strings', () => {
    const text = `key=${'x'.repeat(596)}`;
    const strings = [text.slice(0, 255), text.slice(255, 510), text.slice(510)];
    const { answers } = exchange([{ type: 'TXT', strings: [text, 'k=v'] }], { sending: tcp });
    expect(answers[0]).toContain([...strings, 'k=v'].map((each) => JSON.stringify(each)).join(' '));
  });

  test('leaves text out that no record can hold', () => {
    const { answers } = exchange([{ type: 'TXT', strings: ['k=v', 'x'.repeat(70_000)] }], { sending: tcp });
    expect(answers[0]?.length).toBeGreaterThan(60_000);
  });

  test('does not compress the target of a SRV record, for not all resolvers take that', () => {
    const query = parsed({ type: 'SRV' });
    const data: RecordData = { type: 'SRV', priority: 0, weight: 1, port: 80, target };
    const { octets } = writeReply(query, positiveAnswer([{ name, ttlSeconds, data }], []), udp);
    expect(octets.includes(Buffer.from('\x02c1\x03net\x08fairlead\x08internal\0', 'latin1'))).toBe(true);
  });

  test("has the query's id, name letter by letter, RD and CD, and no other of its flags", () => {
    const packet = queryPacket('wEb.eXample', { id: 0xbeef, flags: 0x0130 });
    const query = parseQuery(packet);
    if (query?.kind !== 'query') throw new Error('no query');
    const message = readMessage(renderReply(writeReply(query, bareAnswer(Rcode.refused), udp), packet));
    expect(message).toMatchObject({
      id: 0xbeef,
      askedName: 'wEb.eXample',
      flags: 0x8115,
      rcode: Rcode.refused,
    });
  });

  test('says whether there is recursion, and that it is authoritative', () => {
    expect(exchange([], { flags: 0 }).flags).toBe(0x8400);
    expect(exchange([], { flags: 0, sending: { ...udp, recursion: true } }).flags).toBe(0x8480);
  });

  test('has an OPT record just where the query has one, with its DO and our size', () => {
    expect(exchange([]).edns).toBeUndefined();
    expect(exchange([], { edns: 4096 }).edns).toEqual({ udpLimit: 1232, dnssecOk: false });
    expect(exchange([], { edns: 512, dnssecOk: true }).edns).toEqual({ udpLimit: 1232, dnssecOk: true });
  });

  test('carries codes beyond 15 in the OPT record', () => {
    const query = parsed({ edns: 1232, version: 1 });
    const { octets } = writeReply(query, bareAnswer(Rcode.badVers), udp);
    expect(readMessage(octets).rcode).toBe(Rcode.badVers);
  });

  test('to what cannot be read is a header with the id, the opcode and RD', () => {
    const message = writeProblem(queryPacket('a', { id: 7, flags: 0x2110 }), Rcode.notImp);
    expect(message.toString('hex')).toBe(`0007a1040000000000000000`);
  });
});

describe('an answer that is too big', () => {
  test('loses its additional section first', () => {
    const all = exchange(addresses(20), { beside: 3 });
    expect(all).toMatchObject({ isTruncated: false });
    expect(all.additional).toHaveLength(3);
    const some = exchange(addresses(20), { beside: 20 });
    expect(some).toMatchObject({ isTruncated: false, additional: [] });
    expect(some.answers).toHaveLength(20);
  });

  test.each<[QuerySaid, number, number]>([
    [{}, 512, 28],
    [{ edns: 100 }, 512, 28],
    [{ edns: 1232 }, 1232, 73],
    [{ edns: 65_535 }, 1232, 73],
  ])('to %j is truncated at %i octets, with the %i records that fit', (said, limit, most) => {
    expect(exchange(addresses(most), said)).toMatchObject({ isTruncated: false });
    const cut = exchange(addresses(most + 1), said);
    expect(cut).toMatchObject({ isTruncated: true, rcode: 0 });
    expect(cut.answers).toHaveLength(most);
    expect(cut.length).toBeLessThanOrEqual(limit);
  });

  test('keeps its OPT record', () => {
    expect(exchange(addresses(500), { edns: 1232 }).edns).toBeDefined();
  });

  test('is whole over TCP, up to what a message can hold', () => {
    expect(exchange(addresses(2_000), { sending: tcp })).toMatchObject({ isTruncated: false });
    const cut = exchange(addresses(5_000), { sending: tcp });
    expect(cut.isTruncated).toBe(true);
    expect(cut.answers.length).toBeGreaterThan(4_000);
    expect(cut.length).toBeLessThanOrEqual(65_535);
  });

  test('may have no record at all', () => {
    expect(exchange([{ type: 'TXT', strings: ['x'.repeat(600)] }])).toMatchObject({
      isTruncated: true,
      answers: [],
    });
  });

  test('may be nothing but the word that there is more over TCP', () => {
    const message = readMessage(writeTruncated(parsed({ edns: 1232 }), udp));
    expect(message).toMatchObject({ isTruncated: true, answers: [], rcode: 0, askedName: name.join('.') });
  });
});

describe('the order of the records', () => {
  const firsts = (said: { count: number; edns?: number }, times: number) => {
    const query = parsed(said.edns === undefined ? {} : { edns: said.edns });
    const records = addresses(said.count).map((data) => ({ name, ttlSeconds, data }));
    const reply = writeReply(query, positiveAnswer(records, []), udp);
    const messages = Array.from({ length: times }, () => readMessage(renderReply(reply, query.packet)));
    return { messages, firsts: new Set(messages.map(({ answers }) => answers[0])) };
  };

  test('begins with each of them in turn, and loses none', () => {
    const { messages, firsts: seen } = firsts({ count: 5 }, 200);
    expect(seen.size).toBe(5);
    for (const { answers } of messages) expect(new Set(answers).size).toBe(5);
  });

  test('lets each of them be among those that fit', () => {
    const { messages } = firsts({ count: 100 }, 400);
    expect(new Set(messages.flatMap(({ answers }) => answers)).size).toBe(100);
    for (const { answers } of messages) expect(new Set(answers).size).toBe(28);
  });

  test('of a kept answer leaves it as it is', () => {
    const query = parsed({ edns: 1232 });
    const records = addresses(3).map((data) => ({ name, ttlSeconds, data }));
    const reply = writeReply(query, positiveAnswer(records, []), udp);
    const before = Buffer.from(reply.octets);
    const other = queryPacket(name.join('.'), { edns: 1232, id: 0x9999 });
    for (let time = 0; time < 20; time++) expect(readMessage(renderReply(reply, other)).id).toBe(0x9999);
    expect(reply.octets).toEqual(before);
  });
});
