import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createFramer, frameMessage } from '../../../lib/dns/framing.ts';
import { type DnsServerOptions, startDnsServer } from '../../../lib/dns/server.ts';
import type { ServerAddress } from '../../../lib/dns/server-address.ts';
import { type QuerySaid, queryPacket, readMessage } from '../../support/dns.ts';
import { plainAnswer, startUpstream } from '../../support/dns-upstream.ts';
import { createViewFixture, instanceOf } from '../../support/registry.ts';

const web = 'web.default.svc.fairlead.internal';
const loopback: ServerAddress = { address: '127.0.0.1', port: 0 };
const many = Array.from({ length: 100 }, (_, index) =>
  instanceOf({ id: `w${index}`, address: `10.1.1.${index}` }),
);

/** A server on a port of loopback over these instances. */
async function start(said: Partial<DnsServerOptions> = {}, instances = [instanceOf()]) {
  const fixture = createViewFixture(instances);
  const server = await startDnsServer({ addresses: [loopback], view: fixture.view, ...said });
  const [at = loopback] = server.addresses();
  return { ...fixture, server, at, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Asks over UDP. @returns undefined where there is no answer in 200 ms */
async function askUdp({ address, port }: ServerAddress, packet: Buffer) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(200) }).catch(() => undefined);
  socket.send(packet, port, address);
  const [message] = (await answer) ?? [];
  socket.close();
  return message === undefined ? undefined : readMessage(message as Buffer);
}

/** A TCP connection, and what came by it. */
async function open({ address, port }: ServerAddress) {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  const framer = createFramer(65_535);
  const messages: Buffer[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => messages.push(...framer(chunk)));
  await once(socket, 'connect');
  return { socket, messages, [Symbol.dispose]: () => void socket.destroy() };
}

function isClosed(socket: Socket): Promise<boolean> {
  const closed = ['end', 'close'].map((event) => once(socket, event).then(() => true));
  return Promise.race([...closed, sleep(600, false)]);
}

const framed = (name: string, said: QuerySaid = {}) => frameMessage(queryPacket(name, said));

describe('the server', () => {
  test('answers over UDP and TCP on the same port', async () => {
    await using dns = await start();
    expect(await askUdp(dns.at, queryPacket(web))).toMatchObject({ answers: [`${web} A 10.1.0.2`] });
    using tcp = await open(dns.at);
    tcp.socket.write(framed(web));
    await expect
      .poll(() => tcp.messages.map((message) => readMessage(message).answers))
      .toEqual([[`${web} A 10.1.0.2`]]);
  });

  test('answers over IPv6', async () => {
    await using dns = await start({ addresses: [{ address: '::1', port: 0 }] });
    expect(await askUdp(dns.at, queryPacket(web))).toMatchObject({ rcode: 0 });
    const ns = await askUdp(dns.at, queryPacket('ns.fairlead.internal', { type: 'AAAA' }));
    expect(ns?.answers).toEqual(['ns.fairlead.internal AAAA ::1']);
  });

  test('answers from the last commit, whatever it answered before, over UDP and TCP', async () => {
    await using dns = await start();
    using tcp = await open(dns.at);
    for (let round = 0; round < 20; round++) {
      dns.put(instanceOf({ address: `10.1.0.${round}` }));
      const expected = [`${web} A 10.1.0.${round}`];
      if (round % 2 === 0) expect((await askUdp(dns.at, queryPacket(web)))?.answers).toEqual(expected);
      tcp.socket.write(framed(web));
      await once(tcp.socket, 'data');
      expect(readMessage(tcp.messages.at(-1) ?? Buffer.alloc(0)).answers).toEqual(expected);
    }
  });

  test('answers each of many queries at once, and each its own', async () => {
    await using dns = await start({}, many);
    const socket = createSocket('udp4');
    const seen = new Map<number, string>();
    socket.on('message', (message) => {
      const { id, answers } = readMessage(message);
      seen.set(id, answers[0] ?? '');
    });
    for (const [id] of many.entries())
      socket.send(queryPacket(`w${id}.${web}`, { id }), dns.at.port, dns.at.address);
    await expect.poll(() => seen.size).toBe(many.length);
    for (const [id, text] of seen) expect(text).toBe(`w${id}.${web} A 10.1.1.${id}`);
    socket.close();
  });

  test('truncates over UDP what it sends whole over TCP', async () => {
    await using dns = await start({}, many);
    expect(await askUdp(dns.at, queryPacket(web))).toMatchObject({ isTruncated: true });
    using tcp = await open(dns.at);
    tcp.socket.write(framed(web));
    await expect.poll(() => tcp.messages.length).toBe(1);
    expect(readMessage(tcp.messages[0] ?? Buffer.alloc(0)).answers).toHaveLength(100);
    expect(dns.server.stats).toMatchObject({ truncated: 1, outcomes: { noError: 2 } });
  });

  test('does not answer responses, nor what is no packet', async () => {
    await using dns = await start();
    expect(await askUdp(dns.at, queryPacket(web, { flags: 0x8100 }))).toBeUndefined();
    expect(await askUdp(dns.at, Buffer.alloc(0))).toBeUndefined();
    expect(dns.server.stats.malformed).toBe(2);
  });

  test('keeps no more than its rate for programs of this machine only where that is asked for', async () => {
    const rate = { perSecond: 0.001, burst: 1 };
    await using lenient = await start({ limits: { rate } });
    await using strict = await start({ limits: { rate, rateOnLoopback: true } });
    for (const dns of [lenient, strict]) await askUdp(dns.at, queryPacket(web));
    expect(await askUdp(lenient.at, queryPacket(web))).toMatchObject({ isTruncated: false });
    expect(await askUdp(strict.at, queryPacket(web))).toMatchObject({ isTruncated: true, answers: [] });
  });
});

describe('an address', () => {
  test('can be added and removed while the others are served', async () => {
    await using dns = await start();
    const added = await dns.server.add({ address: '127.0.0.2', port: 0 });
    expect(await askUdp(added, queryPacket(web))).toMatchObject({ rcode: 0 });
    expect(await dns.server.add(added)).toEqual(added);
    expect(dns.server.addresses()).toHaveLength(2);
    await dns.server.remove(added);
    await dns.server.remove(added);
    expect(await askUdp(added, queryPacket(web))).toBeUndefined();
    expect(await askUdp(dns.at, queryPacket(web))).toMatchObject({ rcode: 0 });
    expect(dns.server.addresses()).toEqual([dns.at]);
  });

  test('takes its connections along', async () => {
    await using dns = await start();
    using tcp = await open(dns.at);
    await dns.server.remove(dns.at);
    expect(await isClosed(tcp.socket)).toBe(true);
  });

  test('that another program has is an error that says so, and nothing stays open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as ServerAddress;
    const starting = start({
      addresses: [
        { address: '127.0.0.3', port },
        { address: '127.0.0.1', port },
      ],
    });
    await expect(starting).rejects.toThrow(
      `listening for DNS on 127.0.0.1:${port}: another program listens there`,
    );
    const free = createServer().listen(port, '127.0.0.3');
    await once(free, 'listening');
    for (const server of [taken, free]) server.close();
  });

  test('that another program has over UDP only is not taken half', async () => {
    const taken = createSocket('udp4').bind(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address();
    await expect(start({ addresses: [{ address: '127.0.0.1', port }] })).rejects.toThrow(/another program/);
    const free = createServer().listen(port, '127.0.0.1');
    await once(free, 'listening');
    free.close();
    taken.close();
  });

  test('that this machine does not have is an error that says so', async () => {
    const starting = start({ addresses: [{ address: '192.0.2.1', port: 0 }] });
    await expect(starting).rejects.toThrow(/192\.0\.2\.1:0: this machine does not have the address/);
  });

  test.each(['0.0.0.0', '::'])('%s, which is no single one, is refused', async (address) => {
    await expect(start({ addresses: [{ address, port: 0 }] })).rejects.toThrow(/expected single addresses/);
  });

  test('that is an upstream, too, is refused, at the start and later', async () => {
    const upstreams = [{ address: '127.0.0.1', port: 53 }];
    await expect(start({ addresses: upstreams, upstreams })).rejects.toThrow(
      /the upstream 127\.0\.0\.1:53 is an address that this DNS server listens on itself/,
    );
    await using dns = await start({ upstreams });
    await expect(dns.server.add({ address: '127.0.0.1', port: 53 })).rejects.toThrow(/upstream/);
  });
});

describe('a connection', () => {
  test('may carry many queries, in one piece or octet by octet', async () => {
    await using dns = await start();
    using tcp = await open(dns.at);
    tcp.socket.setNoDelay(true);
    tcp.socket.write(Buffer.concat([1, 2, 3].map((id) => framed(web, { id }))));
    for (const octet of framed(web, { id: 4 })) {
      tcp.socket.write(Buffer.of(octet));
      await sleep(0);
    }
    await expect
      .poll(() => tcp.messages.map((message) => readMessage(message).id).sort())
      .toEqual([1, 2, 3, 4]);
  });

  test('is answered although its client has closed its side', async () => {
    await using dns = await start();
    using tcp = await open(dns.at);
    tcp.socket.end(framed(web));
    await once(tcp.socket, 'end');
    expect(tcp.messages).toHaveLength(1);
  });

  test('is not kept waiting by a query before it that an upstream answers late', async () => {
    await using upstream = await startUpstream(() => []);
    await using dns = await start({ upstreams: [upstream.server] });
    using tcp = await open(dns.at);
    tcp.socket.write(Buffer.concat([framed('example.com', { id: 1 }), framed(web, { id: 2 })]));
    await expect.poll(() => tcp.messages.map((message) => readMessage(message).id)).toEqual([2]);
  });

  test('is closed when it is silent, or sends half a query and then drips', async () => {
    await using dns = await start({ limits: { idleMs: 100 } });
    using silent = await open(dns.at);
    using half = await open(dns.at);
    half.socket.write(framed(web).subarray(0, 20));
    const drip = setInterval(() => half.socket.write(Buffer.of(0)), 30);
    expect(await Promise.all([isClosed(silent.socket), isClosed(half.socket)])).toEqual([true, true]);
    clearInterval(drip);
  });

  test('that sends a query too big to be one is closed', async () => {
    await using dns = await start();
    using tcp = await open(dns.at);
    tcp.socket.write(Buffer.of(0x10, 0x01, 0));
    expect(await isClosed(tcp.socket)).toBe(true);
  });

  test('of a client that does not read does not pile up answers', async () => {
    await using dns = await start({ limits: { idleMs: 300 } }, many);
    using tcp = await open(dns.at);
    tcp.socket.pause();
    const burst = Buffer.concat(Array.from({ length: 500 }, () => framed(web)));
    for (let round = 0; round < 40; round++) tcp.socket.write(burst);
    await sleep(200);
    // 20,000 answers were asked for, of 1.6 kB each; what the kernel does not hold is not made.
    expect(dns.server.stats.outcomes.noError).toBeLessThan(15_000);
    tcp.socket.destroy();
  });

  test('beyond what one source may have is refused, until another one ends', async () => {
    await using dns = await start({ limits: { connections: 3, connectionsPerSource: 2 } });
    const first = await open(dns.at);
    using second = await open(dns.at);
    using third = await open(dns.at);
    expect(await isClosed(third.socket)).toBe(true);
    expect(dns.server.stats.refusedConnections).toBe(1);
    first.socket.destroy();
    await sleep(20);
    using fourth = await open(dns.at);
    for (const { socket } of [second, fourth]) socket.write(framed(web));
    await expect.poll(() => [second.messages.length, fourth.messages.length]).toEqual([1, 1]);
  });
});

describe('a name that is not ours', () => {
  test('is answered by the upstream, over UDP and TCP, and our own names never are', async () => {
    await using upstream = await startUpstream((query) => [plainAnswer(query, 3)]);
    await using dns = await start({ upstreams: [upstream.server] });
    expect(await askUdp(dns.at, queryPacket('example.com', { id: 9 }))).toMatchObject({ id: 9, rcode: 3 });
    expect(await askUdp(dns.at, queryPacket('nobody.fairlead.internal'))).toMatchObject({ rcode: 3 });
    using tcp = await open(dns.at);
    tcp.socket.write(framed('example.com'));
    await expect.poll(() => tcp.messages.length).toBe(1);
    expect(upstream.received.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
    expect(dns.server.stats.forwarded).toBe(2);
  });

  test('is SERVFAIL when no upstream answers', async () => {
    await using dns = await start({ upstreams: [{ address: '127.0.0.1', port: 1 }] });
    expect(await askUdp(dns.at, queryPacket('example.com'))).toMatchObject({
      rcode: 2,
      askedName: 'example.com',
    });
    expect(dns.server.stats.outcomes.servFail).toBe(1);
  });

  test('is refused where there is no upstream', async () => {
    await using dns = await start();
    expect(await askUdp(dns.at, queryPacket('example.com'))).toMatchObject({ rcode: 5 });
  });
});
