import { describe, expect, test } from 'vitest';
import { ReplyCache } from '../../../lib/dns/reply-cache.ts';
import { type Asker, Responder, type ResponderOptions } from '../../../lib/dns/responder.ts';
import { createStats } from '../../../lib/dns/stats.ts';
import { createZone } from '../../../lib/dns/zone-config.ts';
import { RateLimiter } from '../../../lib/limit/rate-limiter.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { RegistryView } from '../../../lib/registry/view.ts';
import { type QuerySaid, queryPacket, readMessage } from '../../support/dns.ts';
import { containerOwner, createViewFixture, instanceOf } from '../../support/registry.ts';

const web = 'web.default.svc.fairlead.internal';

/** A responder over instances, which `ask` asks as the server does: received, refreshed, answered. */
function createResponder(first: readonly Instance[], said: Partial<ResponderOptions> = {}) {
  const fixture = createViewFixture(first);
  const stats = createStats();
  const lines: string[] = [];
  const options: ResponderOptions = {
    view: fixture.view,
    zone: createZone(),
    visibility: 'network',
    recursion: false,
    stats,
    log: (line) => lines.push(line),
    ...said,
  };
  const responder = new Responder(options);
  const send = (packet: Buffer, asker: Partial<Asker> = {}) => {
    responder.refresh();
    return responder.handle(packet, {
      address: '192.0.2.1',
      listener: '10.1.0.1',
      transport: 'udp',
      ...asker,
    });
  };
  const ask = (name: string, { asker = {}, ...query }: QuerySaid & { asker?: Partial<Asker> } = {}) => {
    const answer = send(queryPacket(name, query), asker);
    if (!(answer instanceof Uint8Array)) throw new Error(`no answer, but ${answer?.kind}`);
    return readMessage(answer);
  };
  return { ...fixture, stats, lines, responder, send, ask };
}

const addressesOf = ({ answers }: { answers: readonly string[] }) =>
  answers.map((text) => text.split(' ')[2]).sort();
const one = instanceOf({ id: 'web-1', address: '10.1.0.2' });
const other = instanceOf({ id: 'web-2', address: '10.1.0.3' });

describe('an answer', () => {
  test('is made once and sent often, under the id of each query', () => {
    const { ask, stats } = createResponder([one]);
    expect(ask(web, { id: 1 })).toMatchObject({ id: 1, answers: [`${web} A 10.1.0.2`] });
    expect(ask(web, { id: 2 })).toMatchObject({ id: 2, answers: [`${web} A 10.1.0.2`] });
    expect(stats).toMatchObject({ cacheHits: 1, outcomes: { noError: 2 } });
  });

  test('is never older than the last commit', () => {
    const { ask, put, remove } = createResponder([one]);
    for (let round = 0; round < 3; round++) {
      expect(addressesOf(ask(web))).toEqual(['10.1.0.2']);
      put(other);
      expect(addressesOf(ask(web))).toEqual(['10.1.0.2', '10.1.0.3']);
      put({ ...other, status: 'critical' });
      expect(addressesOf(ask(web))).toEqual(['10.1.0.2']);
      remove('web-2');
      expect(ask('web-2.web.default.svc.fairlead.internal').rcode).toBe(3);
    }
  });

  test('that there is nothing does not outlive the commit that brings something', () => {
    const { ask, put, stats } = createResponder([]);
    expect([ask(web).rcode, ask(web).rcode]).toEqual([3, 3]);
    expect(stats.cacheHits).toBe(1);
    put(one);
    expect(addressesOf(ask(web))).toEqual(['10.1.0.2']);
  });

  test('for another type, size, flag or transport is another one', () => {
    const { ask } = createResponder([one, ...many(60)]);
    for (let round = 0; round < 2; round++) {
      expect(ask(web)).toMatchObject({ isTruncated: true, edns: undefined });
      expect(ask(web, { edns: 1232 })).toMatchObject({ isTruncated: false, edns: { udpLimit: 1232 } });
      expect(ask(web, { edns: 600 }).isTruncated).toBe(true);
      expect(ask(web, { asker: { transport: 'tcp' } }).isTruncated).toBe(false);
      expect(ask(web, { type: 'AAAA' }).answers).toEqual([]);
      expect(ask(web, { flags: 0 }).flags & 0x0100).toBe(0);
    }
  });

  test('is the same for a name in any case and with any options, and says the name as it was asked', () => {
    const { ask, stats } = createResponder([one]);
    const options = Buffer.from('000a00080102030405060708', 'hex');
    for (const name of [web.toUpperCase(), web, 'wEb.Default.svc.Fairlead.internaL', web]) {
      const { askedName, answers } = ask(name, { edns: 1232, ...(name === web ? {} : { options }) });
      expect(askedName).toBe(name);
      expect(answers).toEqual([`${web} A 10.1.0.2`]);
    }
    expect(stats.cacheHits).toBe(3);
  });

  test('over TCP is never what a datagram is answered with, whatever is in it', () => {
    const { ask, send } = createResponder([one, ...many(200)]);
    const asker = { transport: 'tcp' } as const;
    expect([ask(web, { asker }).answers.length, ask(web, { asker }).answers.length]).toEqual([201, 201]);
    for (const prefix of ['', 'tcp ', 'tcp *']) {
      const packet = Buffer.concat([Buffer.alloc(2), Buffer.from(prefix), queryPacket(web).subarray(2)]);
      const answer = send(packet);
      expect(answer instanceof Uint8Array && answer.length <= 512).toBe(true);
    }
  });

  test("tells each asker the name server's address by which it came", () => {
    const { ask } = createResponder([one]);
    for (const listener of ['10.1.0.1', '10.2.0.1', '10.1.0.1']) {
      expect(addressesOf(ask('ns.fairlead.internal', { asker: { listener } }))).toEqual([listener]);
    }
  });

  test('begins with each instance in turn, although it is kept', () => {
    const { ask, stats } = createResponder([one, other]);
    const firsts = new Set(Array.from({ length: 60 }, () => ask(web).answers[0]));
    expect(firsts.size).toBe(2);
    expect(stats.cacheHits).toBe(59);
  });
});

function many(count: number): Instance[] {
  return Array.from({ length: count }, (_, index) =>
    instanceOf({ id: `m-${index}`, address: `10.9.0.${index}` }),
  );
}

describe('an asker', () => {
  const inNet = (host: string, network: string, address: string) =>
    instanceOf({
      id: `i-${host}-${network}`,
      address,
      owner: containerOwner({ host, containerId: host, network }),
    });
  const all = [
    inNet('a', 'red', '10.1.0.10'),
    inNet('b', 'blue', '10.2.0.10'),
    inNet('c', 'green', '10.3.0.10'),
    one,
  ];

  test('in a container sees its network and the API, others see everything', () => {
    const { ask } = createResponder(all);
    for (let round = 0; round < 2; round++) {
      expect(addressesOf(ask(web, { asker: { address: '10.1.0.10' } }))).toEqual(['10.1.0.10', '10.1.0.2']);
      expect(addressesOf(ask(web, { asker: { address: '10.2.0.10' } }))).toEqual(['10.1.0.2', '10.2.0.10']);
      expect(addressesOf(ask(web, { asker: { address: '127.0.0.1' } }))).toHaveLength(4);
      expect(addressesOf(ask(web, { asker: { address: '10.1.0.2' } }))).toHaveLength(4);
    }
  });

  test('on two networks sees both, by whichever address it asks', () => {
    const { ask, put, remove } = createResponder(all);
    put(inNet('a', 'blue', '10.2.0.11'));
    for (const address of ['10.1.0.10', '10.2.0.11']) {
      expect(addressesOf(ask(web, { asker: { address } }))).toEqual([
        '10.1.0.10',
        '10.1.0.2',
        '10.2.0.10',
        '10.2.0.11',
      ]);
    }
    remove('i-a-blue');
    expect(addressesOf(ask(web, { asker: { address: '10.1.0.10' } }))).toEqual(['10.1.0.10', '10.1.0.2']);
  });

  test('sees everything where visibility is "all"', () => {
    const { ask } = createResponder(all, { visibility: 'all' });
    expect(addressesOf(ask(web, { asker: { address: '10.1.0.10' } }))).toHaveLength(4);
  });

  test('beyond its rate is sent to TCP, and there refused', () => {
    const limiter = new RateLimiter({ perSecond: 0.001, burst: 2 });
    const { ask, stats } = createResponder([one], { limiter });
    expect([ask(web).isTruncated, ask(web).isTruncated]).toEqual([false, false]);
    expect(ask(web, { edns: 1232 })).toMatchObject({
      isTruncated: true,
      answers: [],
      rcode: 0,
      askedName: web,
    });
    expect(ask(web, { asker: { transport: 'tcp' } })).toMatchObject({ rcode: 5, answers: [] });
    expect(addressesOf(ask(web, { asker: { address: '192.0.2.2' } }))).toEqual(['10.1.0.2']);
    expect(stats.limited).toBe(2);
  });
});

describe('a query', () => {
  test('of EDNS version 1 is answered with the version that is spoken', () => {
    const { ask } = createResponder([one]);
    expect(ask(web, { edns: 1232, version: 1 })).toMatchObject({
      rcode: 16,
      answers: [],
      edns: { udpLimit: 1232 },
    });
  });

  test('with a cookie and a client subnet is answered as one without', () => {
    const options = Buffer.from('000a00080102030405060708000800070001180000c00002', 'hex');
    const { ask } = createResponder([one]);
    expect(addressesOf(ask(web, { edns: 1232, options }))).toEqual(['10.1.0.2']);
  });

  test('that is not ours is handed back where there are upstreams, and refused where there are none', () => {
    expect(createResponder([one]).ask('example.com').rcode).toBe(5);
    const { send, ask } = createResponder([one], { recursion: true });
    expect(send(queryPacket('example.com'))).toMatchObject({ kind: 'query' });
    expect(send(queryPacket('9.0.1.10.in-addr.arpa', { type: 'PTR' }))).toMatchObject({ kind: 'query' });
    expect(ask('x.fairlead.internal').rcode).toBe(3);
    expect(ask('2.0.1.10.in-addr.arpa', { type: 'PTR' }).answers).toHaveLength(1);
  });

  test('that cannot be read is counted, and answered only where that is harmless', () => {
    const { send, stats } = createResponder([one]);
    expect(send(Buffer.alloc(0))).toBeUndefined();
    expect(send(Buffer.alloc(11))).toBeUndefined();
    expect(send(queryPacket(web, { flags: 0x8000 }))).toBeUndefined();
    expect(send(Buffer.alloc(12))).toBeInstanceOf(Buffer);
    expect(stats).toMatchObject({ malformed: 4, outcomes: { formErr: 1 } });
  });
});

describe('a store that cannot be read', () => {
  test('makes its names fail rather than be answered from memory, until it can be read again', () => {
    let isBroken = false;
    const view = new RegistryView({
      dataVersion: () => {
        if (isBroken) throw new Error('database disk image is malformed');
        return 1;
      },
      revision: () => 1,
      instances: () => [one],
      changesSince: (since) => (since < 1 ? undefined : []),
    });
    const { ask, lines } = createResponder([], { view });
    expect(ask(web).rcode).toBe(0);
    isBroken = true;
    expect([ask(web).rcode, ask(web).rcode, ask('nobody.fairlead.internal').rcode]).toEqual([2, 2, 2]);
    expect(ask('example.com').rcode).toBe(5);
    isBroken = false;
    expect(addressesOf(ask(web))).toEqual(['10.1.0.2']);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/cannot be read.*malformed/);
  });
});

describe('the memory of answers', () => {
  test('is bounded in entries and in octets', () => {
    const reply = { octets: Buffer.alloc(1_000), bounds: [12], limit: 1232, rcode: 0 };
    const byEntries = new ReplyCache({ entries: 10, octets: 1e9 });
    const byOctets = new ReplyCache({ entries: 1e9, octets: 10_000 });
    for (let index = 0; index < 1_000; index++) {
      byEntries.keep('*', `key ${index}`, reply);
      byOctets.keep('*', `key ${index}`, reply);
      expect(byEntries.entries).toBeLessThanOrEqual(10);
      expect(byOctets.entries).toBeLessThanOrEqual(7);
    }
    expect(byEntries.ofCircle('*').get('key 999')).toBe(reply);
  });

  test('tells circles of askers apart', () => {
    const reply = { octets: Buffer.alloc(1), bounds: [12], limit: 1232, rcode: 0 };
    const cache = new ReplyCache({ entries: 10, octets: 1e6 });
    cache.keep('red', 'key', reply);
    expect(cache.ofCircle('blue').get('key')).toBeUndefined();
    cache.reset();
    expect(cache.ofCircle('red').get('key')).toBeUndefined();
  });
});
