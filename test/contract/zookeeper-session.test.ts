import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { parseZooKeeperConfig } from '../../lib/mirror/zookeeper/config.ts';
import { layoutOf } from '../../lib/mirror/zookeeper/layout-of.ts';
import { ZooKeeperMirror } from '../../lib/mirror/zookeeper/zookeeper-mirror.ts';
import { ZooKeeperClient } from '../../lib/zookeeper/client.ts';
import { dial } from '../../lib/zookeeper/dial.ts';
import { closeSession } from '../../lib/zookeeper/operation.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { requireZooKeeper } from '../support/zookeeper.ts';
import { ZooKeeperServers } from '../support/zookeeper-server.ts';

const stack = new AsyncDisposableStack();
const noEnd = new AbortController().signal;
const node = '1111111111111111';
let servers: ZooKeeperServers;

// The first hook skips aloud where there is no ZooKeeper.
beforeEach(requireZooKeeper);
beforeEach(async () => {
  if (servers !== undefined) return;
  const dir = stack.use(temporaryDirectory());
  const places = [1, 2, 3].map(() => ({ address: '127.0.0.1' }));
  servers = stack.use(await ZooKeeperServers.start({ places, dir: dir.path }));
}, 60_000);

afterAll(() => stack.disposeAsync());

let bases = 0;

/** A machine's mirror at a base of its own unless one is given, kept alive until it is disposed. */
function open({ ttl = '3s', timeout = '2s', base = `/session-${++bases}` } = {}) {
  const config = parseZooKeeperConfig(new Fields({ servers: servers.endpoints, base, ttl, timeout }, ''));
  const client = new ZooKeeperClient({
    ...config,
    credentials: async () => undefined,
    sessionTimeoutMs: config.ttlMs,
  });
  const mirror = new ZooKeeperMirror({
    ...config,
    client,
    layout: layoutOf(config.format),
    ...{ name: 'zookeeper', node, session: 'held' as const },
  });
  const end = new AbortController();
  const lost: number[] = [];
  // The mirror has doubts also while no server can be reached for a moment; a session is lost when it has expired.
  const told: number[] = [];
  const running = mirror.run(() => told.push(performance.now()), end.signal);
  client.onExpired(() => lost.push(performance.now()));
  const stop = async () => {
    end.abort();
    await running;
    await mirror[Symbol.asyncDispose]();
  };
  return { client, mirror, base, lost, told, stop, [Symbol.asyncDispose]: stop };
}

function entriesOf(mirror: ZooKeeperMirror, count = 1) {
  return Array.from({ length: count }, (_, at) =>
    mirror.render(instanceOf({ id: `web-${at}`, address: `10.1.0.${at}`, owner: { kind: 'api', node } })),
  ).flat();
}

/** Ends a session as an expiry does, by showing what it is to a server. */
async function expire({ identity }: ZooKeeperClient): Promise<void> {
  const [host = '', port] = (servers.endpoints[0] ?? '').split(':');
  const dialled = await dial({
    server: { host, port: Number(port) },
    hello: { identity, lastZxid: 0n, timeoutMs: 3_000 },
    ...{ pem: undefined, credentials: undefined, dialMs: 2_000, answerMs: 2_000, signal: noEnd },
  });
  if (dialled.kind === 'session') await dialled.connection.request(closeSession);
}

async function until(isSo: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not so within ${ms} ms`);
    await sleep(20);
  }
}

/** Tries again while servers are changing. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  let result: { readonly value: T } | undefined;
  await until(async () => {
    result = await work().then(
      (value) => ({ value }),
      () => undefined,
    );
    return result !== undefined;
  });
  if (result === undefined) throw new Error('not reached');
  return result.value;
}

describe('a session', { timeout: 60_000 }, () => {
  test('that has expired is told once, followed by another, and everything can be put again', async () => {
    await using held = open();
    const { mirror, client, lost, told } = held;
    const entries = entriesOf(mirror, 3);
    await mirror.put(entries, noEnd);
    const before = client.sessionId;

    await expire(client);
    await until(() => told.length > 0);
    const left = await eventually(() => mirror.listOwn(noEnd));
    await mirror.put(entries, noEnd);

    expect(left).toEqual([]);
    expect(await mirror.listOwn(noEnd)).toHaveLength(3);
    expect(lost).toHaveLength(1);
    expect(client.sessionId).not.toBe(before);
  });

  test('goes on over another server where its own is killed, whichever that is', async () => {
    await using held = open({ ttl: '6s' });
    const { mirror, client, lost } = held;
    await mirror.put(entriesOf(mirror, 3), noEnd);
    const before = client.sessionId;

    for (const member of servers.members) {
      await member.kill();
      expect(await eventually(() => mirror.listOwn(noEnd))).toHaveLength(3);
      await member.restart();
    }

    expect([client.sessionId, lost]).toEqual([before, []]);
  });

  test('goes on where any member freezes, the leader too', async () => {
    await using held = open({ ttl: '6s', timeout: '1s' });
    const { mirror, client, lost } = held;
    await mirror.put(entriesOf(mirror, 3), noEnd);
    const before = client.sessionId;

    for (const member of servers.members) {
      member.stop();
      await sleep(500);
      expect(await eventually(() => mirror.listOwn(noEnd))).toHaveLength(3);
      member.cont();
      await until(async () => (await member.mode()) !== undefined);
    }

    expect([client.sessionId, lost]).toEqual([before, []]);
  });

  test('of a process that is no more ends within its time and 5 s; the entries go with it', async () => {
    await using other = open();
    const ttlMs = 3_000;
    const dead = open({ base: other.base });
    await dead.mirror.put(entriesOf(dead.mirror), noEnd);
    expect(await other.mirror.query('web', noEnd)).toHaveLength(1);

    const since = performance.now();
    await dead.stop();
    await until(async () => (await other.mirror.query('web', noEnd)).length === 0);

    const tookMs = Math.round(performance.now() - since);
    console.log(`a session of ${ttlMs} ms ended ${tookMs} ms after its process`);
    expect(tookMs).toBeLessThan(ttlMs + 5_000);
  });

  test('takes over what an earlier process has left, before that would go', async () => {
    const earlier = open({ ttl: '2s' });
    const entries = entriesOf(earlier.mirror, 100);
    await earlier.mirror.put(entries, noEnd);
    await earlier.stop();

    await using later = open({ base: earlier.base });
    const listed = await later.mirror.listOwn(noEnd);
    await sleep(4_000);

    expect(listed).toHaveLength(100);
    expect(await later.mirror.query('web', noEnd)).toHaveLength(100);
  });

  test('that its servers have forgotten with all their data is lost', async () => {
    const dir = temporaryDirectory();
    await using alone = await ZooKeeperServers.start({ places: [{ address: '127.0.0.1' }], dir: dir.path });
    const [host = '', port] = (alone.endpoints[0] ?? '').split(':');
    await using client = new ZooKeeperClient({
      servers: [{ host, port: Number(port) }],
      tls: undefined,
      credentials: async () => undefined,
      ...{ sessionTimeoutMs: 30_000, timeoutMs: 2_000 },
    });
    let lost = 0;
    using _listening = client.onExpired(() => {
      lost++;
    });
    await client.create({
      path: '/a',
      data: Buffer.alloc(0),
      mode: 'ephemeral',
      acl: [{ permissions: 31, scheme: 'world', id: 'anyone' }],
    });

    await alone.wipe();
    const left = await eventually(() => client.getChildren('/'));
    dir[Symbol.dispose]();

    expect([left, lost]).toEqual([['zookeeper'], 1]);
  });
});

describe('a watch', { timeout: 60_000 }, () => {
  test('ends with an error when its connection is lost; the next one works', async () => {
    await using held = open();
    await using other = open({ base: held.base });
    const [entry] = entriesOf(other.mirror);
    const watching = held.mirror.watch('web', noEnd)[Symbol.asyncIterator]();
    await watching.next();

    await expire(held.client);
    await expect(watching.next()).rejects.toThrow(/watching \/session-\d+\/web: the connection is lost/);
    const again = held.mirror.watch('web', AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
    const first = await eventually(() => again.next());
    if (entry !== undefined) await other.mirror.put([entry], noEnd);

    expect(first.value).toEqual([]);
    expect((await again.next()).value).toHaveLength(1);
  });

  test('tells of a change within a second, and of what others change in a node', async () => {
    await using held = open();
    const [entry] = entriesOf(held.mirror);
    if (entry === undefined) throw new Error('nothing to put');
    const end = new AbortController();
    const watching = held.mirror.watch('web', end.signal)[Symbol.asyncIterator]();
    await watching.next();

    const since = performance.now();
    await held.mirror.put([entry], noEnd);
    const come = await watching.next();
    const tookMs = performance.now() - since;
    const moved = entry.content.replace('10.1.0.0', '10.9.9.9');
    await held.client.setData(`${held.base}/${entry.key}`, Buffer.from(moved), -1);
    const changed = await watching.next();
    end.abort();

    console.log(`put to told by a watch: ${Math.round(tookMs)} ms`);
    expect([come.value?.[0]?.address, changed.value?.[0]?.address]).toEqual(['10.1.0.0', '10.9.9.9']);
    expect(tookMs).toBeLessThan(1_000);
  });
});

describe('many instances', { timeout: 60_000 }, () => {
  const count = process.env.SOAK === '1' ? 10_000 : 2_000;

  test(`${count} are put in less than 10 s, and compared in less than 2 s`, async () => {
    await using held = open({ ttl: '30s', timeout: '5s' });
    const { mirror } = held;
    const entries = Array.from({ length: count }, (_, at) => {
      const address = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
      const said = { id: `web-${at}`, service: `web-${at % 100}`, address };
      return mirror.render(instanceOf({ ...said, owner: { kind: 'api', node } }));
    }).flat();

    const putMs = await timed(() => mirror.put(entries, noEnd));
    const listMs = await timed(() => mirror.listOwn(noEnd));
    const listed = new Map((await mirror.listOwn(noEnd)).map(({ key, content }) => [key, content]));

    console.log(`${count} instances, three servers: put ${putMs} ms, compared ${listMs} ms`);
    expect(entries.filter(({ key, content }) => listed.get(key) !== content)).toEqual([]);
    expect(listed.size).toBe(count);
    expect(putMs).toBeLessThan(10_000);
    expect(listMs).toBeLessThan(2_000);
  });
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return Math.round(performance.now() - since);
}
