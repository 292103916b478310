import { createSocket } from 'node:dgram';
import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../../lib/dns/query.ts';
import { parseNameServers } from '../../../lib/dns/resolv-conf.ts';
import {
  formatServerAddress,
  parseServerAddress,
  type ServerAddress,
} from '../../../lib/dns/server-address.ts';
import { Forwarder, type ForwarderOptions } from '../../../lib/dns/upstream.ts';
import { Flag, Rcode } from '../../../lib/dns/wire.ts';
import { type QuerySaid, queryPacket, readMessage } from '../../support/dns.ts';
import { plainAnswer, startUpstream, withFlags } from '../../support/dns-upstream.ts';

/** Nobody listens there: port 1 of loopback. */
const closed: ServerAddress = { address: '127.0.0.1', port: 1 };

function queryOf(said: QuerySaid = {}) {
  const query = parseQuery(queryPacket('wWw.example.com', said));
  if (query?.kind !== 'query') throw new Error('no query');
  return query;
}

function createForwarder(upstreams: readonly ServerAddress[], said: Partial<ForwarderOptions> = {}) {
  const lines: string[] = [];
  const forwarder = new Forwarder({ upstreams, timeoutMs: 150, log: (line) => lines.push(line), ...said });
  return {
    lines,
    ask: async (query: QuerySaid = {}, transport: 'udp' | 'tcp' = 'udp') => {
      const answer = await forwarder.ask(queryOf(query), transport);
      return answer === undefined ? undefined : readMessage(answer);
    },
  };
}

/** An answer that is longer than `octets`: many text records would do, and so does an OPT record with padding. */
function longAnswer(packet: Buffer, octets: number): Buffer {
  const opt = Buffer.alloc(octets + 11);
  opt.writeUInt16BE(41, 1);
  opt.writeUInt16BE(octets, 9);
  const header = Buffer.from(packet.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 10);
  const end = 12 + 'wWw.example.com'.length + 2 + 4;
  return Buffer.concat([header, packet.subarray(12, end), opt]);
}

describe('an upstream', () => {
  test("is asked the same question, and its answer is given under the asker's id", async () => {
    await using upstream = await startUpstream((query) => [plainAnswer(query, Rcode.nxDomain)]);
    const answer = await createForwarder([upstream.server]).ask({
      id: 77,
      type: 'AAAA',
      edns: 4096,
      dnssecOk: true,
    });
    expect(answer).toMatchObject({ id: 77, rcode: 3, askedName: 'wWw.example.com' });
    const [asked] = upstream.received.map(({ packet }) => readMessage(packet));
    expect(asked).toMatchObject({ askedName: 'wWw.example.com', flags: 0x0100, question: { type: 28 } });
    expect(asked?.edns).toEqual({ udpLimit: 1232, dnssecOk: true });
  });

  test('is told neither cookies nor subnets, and no EDNS where the asker has none', async () => {
    await using upstream = await startUpstream((query) => [plainAnswer(query)]);
    const { ask } = createForwarder([upstream.server]);
    await ask({ edns: 1232, options: Buffer.from('000a00080102030405060708', 'hex') });
    await ask({ flags: 0x0010 });
    const [withOpt, plain] = upstream.received.map(({ packet }) => packet);
    expect(withOpt?.length).toBe(queryPacket('www.example.com', { edns: 1232 }).length);
    expect(plain?.length).toBe(queryPacket('www.example.com').length);
    expect(plain?.readUInt16BE(2)).toBe(0x0010);
  });

  test('is asked from another port and under another id each time', async () => {
    await using upstream = await startUpstream((query) => [plainAnswer(query)]);
    const { ask } = createForwarder([upstream.server]);
    for (let time = 0; time < 40; time++) await ask({ id: 5 });
    const ids = new Set(upstream.received.map(({ packet }) => packet.readUInt16BE(0)));
    const ports = new Set(upstream.received.map(({ sourcePort }) => sourcePort));
    expect(ids.size).toBeGreaterThan(35);
    expect(ports.size).toBeGreaterThan(35);
  });

  test.each<[string, (answer: Buffer) => Buffer]>([
    ['another id', (answer) => Buffer.concat([Buffer.of((answer[0] ?? 0) ^ 1), answer.subarray(1)])],
    [
      'another question',
      (answer) => Buffer.from(answer.toString('latin1').replace('example', 'exemple'), 'latin1'),
    ],
    [
      'another type',
      (answer) => Buffer.from(answer.toString('latin1').replace('m\0\0\x01', 'm\0\0\x02'), 'latin1'),
    ],
    ['no response flag', (answer) => withFlags(answer, 0).fill(0x01, 2, 3)],
    ['nothing', () => Buffer.alloc(0)],
  ])('that sends a message with %s first is heard only when it answers what was asked', async (_, forge) => {
    await using upstream = await startUpstream((query) => {
      const answer = plainAnswer(query, Rcode.nxDomain);
      return [forge(plainAnswer(query)), answer];
    });
    expect(await createForwarder([upstream.server]).ask()).toMatchObject({ rcode: 3 });
  });

  test('is not mistaken for somebody else who answers', async () => {
    const forger = createSocket('udp4');
    await using upstream = await startUpstream((query) => {
      forger.send(plainAnswer(query), query.sourcePort, '127.0.0.1');
      return [];
    });
    expect(await createForwarder([upstream.server]).ask()).toBeUndefined();
    forger.close();
  });

  test('is asked over TCP when it truncates and the asker can take the whole', async () => {
    await using upstream = await startUpstream(({ packet, transport }) =>
      transport === 'udp' ? [withFlags(plainAnswer({ packet }), Flag.truncated)] : [longAnswer(packet, 400)],
    );
    expect(await createForwarder([upstream.server]).ask()).toMatchObject({ isTruncated: false });
    expect(upstream.received.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  test('that truncates what the asker cannot take is quoted as it is', async () => {
    await using upstream = await startUpstream(({ packet, transport }) =>
      transport === 'udp' ? [withFlags(plainAnswer({ packet }), Flag.truncated)] : [longAnswer(packet, 600)],
    );
    const { ask } = createForwarder([upstream.server]);
    expect(await ask()).toMatchObject({ isTruncated: true });
    expect(await ask({ edns: 1232 })).toMatchObject({ isTruncated: false });
  });

  test('is asked over TCP by those who came over TCP', async () => {
    await using upstream = await startUpstream(({ packet }) => [longAnswer(packet, 60_000)]);
    expect(await createForwarder([upstream.server]).ask({}, 'tcp')).toMatchObject({ isTruncated: false });
    expect(upstream.received.map(({ transport }) => transport)).toEqual(['tcp']);
  });
});

describe('several upstreams', () => {
  test.each([
    ['is closed', []],
    ['refuses', [Rcode.refused]],
    ['fails', [Rcode.servFail]],
  ])('are asked in turn when the first %s', async (_, rcodes) => {
    await using first = await startUpstream((query) => rcodes.map((rcode) => plainAnswer(query, rcode)));
    await using second = await startUpstream((query) => [plainAnswer(query)]);
    const servers = rcodes.length === 0 ? [closed, second.server] : [first.server, second.server];
    expect(await createForwarder(servers).ask()).toMatchObject({ rcode: 0 });
    expect(await createForwarder(servers).ask({}, 'tcp')).toMatchObject({ rcode: 0 });
  });

  test('are asked in turn when the first is silent, which is then left alone', async () => {
    await using silent = await startUpstream(() => []);
    await using second = await startUpstream((query) => [plainAnswer(query)]);
    const { ask } = createForwarder([silent.server, second.server]);
    for (let time = 0; time < 3; time++) expect(await ask()).toMatchObject({ rcode: 0 });
    expect(silent.received).toHaveLength(1);
    expect(second.received).toHaveLength(3);
  });

  test('that all refuse have the last word', async () => {
    await using first = await startUpstream((query) => [plainAnswer(query, Rcode.servFail)]);
    await using second = await startUpstream((query) => [plainAnswer(query, Rcode.refused)]);
    expect(await createForwarder([first.server, second.server]).ask()).toMatchObject({ rcode: 5 });
  });

  test('that are all silent give no answer, which is told once', async () => {
    await using silent = await startUpstream(() => []);
    const { ask, lines } = createForwarder([closed, silent.server]);
    for (let time = 0; time < 2; time++) expect(await ask()).toBeUndefined();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /no upstream answers: 127\.0\.0\.1:1: .*REFUSED.*; 127\.0\.0\.1:\d+: no answer in 150 ms/,
    );
  });

  test('are spared when too many queries wait for them', async () => {
    await using silent = await startUpstream(() => []);
    const { ask } = createForwarder([silent.server], { mostOutstanding: 3 });
    const waiting = [ask(), ask(), ask()];
    const startedAt = performance.now();
    expect(await ask()).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(await Promise.all(waiting)).toEqual([undefined, undefined, undefined]);
    expect(silent.received).toHaveLength(3);
  });
});

describe("a server's address", () => {
  test.each([
    ['10.1.0.1', '10.1.0.1', 53],
    ['10.1.0.1:5353', '10.1.0.1', 5353],
    ['FD00:0::1', 'fd00::1', 53],
    ['[fd00::1]:5353', 'fd00::1', 5353],
    ['fe80::1%br0', 'fe80::1%br0', 53],
    ['[fe80::1%br0]:53', 'fe80::1%br0', 53],
  ])('%s is read', (text, address, port) => {
    expect(parseServerAddress(text)).toEqual({ address, port });
    expect(parseServerAddress(formatServerAddress({ address, port }))).toEqual({ address, port });
  });

  test.each([
    '',
    'example.com',
    '10.1.0',
    '10.1.0.1:0',
    '10.1.0.1:65536',
    '10.1.0.1:',
    '10.1.0.1%br0',
    '[fd00::1]',
    ':53',
  ])('%j is none', (text) => {
    expect(parseServerAddress(text)).toBeUndefined();
  });

  test('is taken from resolv.conf, unless it is our own', () => {
    const text = [
      '# nameserver 9.9.9.9',
      'search example.com',
      'nameserver 10.1.0.1',
      'nameserver\t192.0.2.53  # the other',
      'nameserver fd00::53',
      'nameserver dns.example.com',
      'options ndots:5',
    ].join('\n');
    expect(parseNameServers(text, [{ address: '10.1.0.1', port: 53 }])).toEqual([
      { address: '192.0.2.53', port: 53 },
      { address: 'fd00::53', port: 53 },
    ]);
    expect(parseNameServers('')).toEqual([]);
  });
});
