import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Log, LogFields } from '../../lib/log/log.ts';
import { Imports } from '../../lib/registry/imports.ts';
import type { Instance } from '../../lib/registry/instance.ts';
import { RegistryView } from '../../lib/registry/view.ts';
import { type Discovery, startDiscovery } from '../../plugins/agent/discovery.ts';
import { EtcdServers } from '../support/etcd.ts';
import { Random } from '../support/random.ts';
import { draftOf, registerNumbered, temporaryStore } from '../support/registrations.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const stack = new AsyncDisposableStack();
let servers: EtcdServers;
/** Each test has a registry of its own in the one server. */
let prefix = '/registry';

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  servers = stack.use(await EtcdServers.start({ places: [{ address: '127.0.0.1' }], dir: dir.path }));
});

afterAll(() => stack.disposeAsync());

beforeEach(({ task }) => {
  prefix = `/registry/${task.id}`;
});

/** What a host's agent has of all this, without the agent: a store, a view, and the exchange with the others. */
class Host implements AsyncDisposable {
  readonly #temporary = temporaryStore();
  readonly store = this.#temporary.store;
  readonly imports = new Imports({ node: this.store.node, firstRevision: Date.now() });
  readonly view = new RegistryView(this.#temporary.reopen(), this.imports);
  readonly logged: string[] = [];
  readonly #ttlSeconds: number;
  #running: { readonly discovery: Discovery; readonly stack: AsyncDisposableStack } | undefined;

  constructor(ttlSeconds = 30) {
    this.#ttlSeconds = ttlSeconds;
    this.start();
  }

  get discovery(): Discovery {
    if (this.#running === undefined) throw new Error('this host does not run');
    return this.#running.discovery;
  }

  start(): void {
    const running = new AsyncDisposableStack();
    const etcd = running.use(connectEtcd({ ...servers.config, timeoutMs: 2_000 }));
    const config = { prefix, ttlSeconds: this.#ttlSeconds };
    const { node } = this.store;
    const discovery = running.use(
      startDiscovery({ etcd, config, node, log: this.#log(), imports: this.imports }),
    );
    running.use(discovery.deliverFrom(this.store, (error) => this.logged.push(`damage ${error.message}`)));
    this.#running = { discovery, stack: running };
  }

  /** As a process that is killed leaves everything: nothing is told to anybody. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stack.disposeAsync();
  }

  /** What is registered anywhere, as this host knows it. */
  known(): readonly string[] {
    this.view.refresh();
    return [...this.view.all()].map(({ id }) => id).sort();
  }

  get(id: string): Instance | undefined {
    this.view.refresh();
    return this.view.get(id);
  }

  knows(...ids: readonly string[]): Promise<void> {
    const wanted = JSON.stringify(ids.toSorted());
    return until(
      () => JSON.stringify(this.known()) === wanted,
      `a host to know ${wanted}; it knows `,
      () => JSON.stringify(this.known()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#temporary[Symbol.dispose]();
  }

  #log(): Log {
    const at =
      (level: string) =>
      (message: string, fields: LogFields = {}) => {
        this.logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
      };
    return { info: at('info'), warn: at('warn'), error: at('error') };
  }
}

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work;
  return performance.now() - begin;
}

const keyOf = (number: number) => ({ network: 'net', containerId: `c${number}`, ifName: 'eth0' });

describe('names', () => {
  test('appear at the other hosts within a second, change there, and go', async () => {
    await using one = new Host();
    await using other = new Host();
    await Promise.all([one.discovery.settled, other.discovery.settled]);

    registerNumbered(one.store, 1);
    const come = await elapsedMs(other.knows('c1-1'));
    one.store.update('c1-1', { status: 'critical' });
    const changed = await elapsedMs(until(() => other.get('c1-1')?.status === 'critical', 'the change'));
    one.store.withdraw(keyOf(1), 2_000_000);
    const gone = await elapsedMs(other.knows());

    console.log({ come, changed, gone });
    expect(Math.max(come, changed, gone)).toBeLessThan(1_000);
  });

  test('of all hosts are known at each, and a host that comes later knows them, too', async () => {
    await using one = new Host();
    await using other = new Host();
    registerNumbered(one.store, 1);
    registerNumbered(other.store, 2);
    await Promise.all([one.knows('c1-1', 'c2-1'), other.knows('c1-1', 'c2-1')]);

    await using late = new Host();
    await late.discovery.settled;

    expect(late.known()).toEqual(['c1-1', 'c2-1']);
    expect(late.discovery.status()).toMatchObject({ isConnected: true, imported: 2, lastError: '' });
  });

  test('that two hosts give to different things are each host’s own there', async () => {
    await using one = new Host();
    await using other = new Host();
    one.store.put(draftOf({ id: 'same', address: '10.1.0.1' }));
    other.store.put(draftOf({ id: 'same', address: '10.2.0.1' }));
    registerNumbered(one.store, 1);
    registerNumbered(other.store, 2);
    await Promise.all([one.knows('c1-1', 'c2-1', 'same'), other.knows('c1-1', 'c2-1', 'same')]);

    expect([one.get('same')?.address, other.get('same')?.address]).toEqual(['10.1.0.1', '10.2.0.1']);
  });
});

describe('a host that is killed', () => {
  test('is gone at the others when its lease has ended, and there again when it starts', async () => {
    await using one = new Host(2);
    await using other = new Host(2);
    registerNumbered(one.store, 1);
    registerNumbered(other.store, 2);
    await other.knows('c1-1', 'c2-1');

    await one.kill();
    const lasted = await elapsedMs(other.knows('c2-1'));
    one.start();
    await other.knows('c1-1', 'c2-1');

    expect(lasted).toBeGreaterThan(1_000);
    expect(lasted).toBeLessThan(8_000);
  });

  test('and starts in time was never gone: nobody is told of anything', async () => {
    await using one = new Host(3);
    await using other = new Host(3);
    registerNumbered(one.store, 1);
    await other.knows('c1-1');
    let changes = 0;
    other.view.onChange((told) => {
      changes += told.length;
    });

    await one.kill();
    one.start();
    // Longer than the lease of the one that was killed.
    const until = performance.now() + 6_000;
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(other.known()).toEqual(['c1-1']);
    }

    expect(changes).toBe(0);
  });
});

describe('etcd', () => {
  test('that ends a lease gets everything again', async () => {
    await using one = new Host(3);
    await using other = new Host(3);
    registerNumbered(one.store, 1);
    registerNumbered(one.store, 2);
    await other.knows('c1-1', 'c2-1');

    const listed = await servers.etcdctl('lease', 'list');
    for (const [lease] of listed.matchAll(/^[0-9a-f]{8,}$/gm))
      await servers.etcdctl('lease', 'revoke', lease);
    await other.knows();
    await other.knows('c1-1', 'c2-1');
  });

  test('that is away leaves every host what it knew, and gets what has happened when it is back', async () => {
    await using one = new Host();
    await using other = new Host();
    registerNumbered(one.store, 1);
    await other.knows('c1-1');

    await servers.members[0]?.kill();
    registerNumbered(one.store, 2);
    one.store.withdraw(keyOf(1), 2_000_000);
    await until(() => !other.discovery.status().isConnected, 'the loss to be noticed');
    await until(() => one.discovery.status().lastError !== '', 'the delivery to fail');
    const during = [other.known(), one.known(), one.discovery.status().lag];
    await servers.members[0]?.restart();
    const back = await elapsedMs(other.knows('c2-1'));

    expect(during).toEqual([['c1-1'], ['c2-1'], 2]);
    expect(back).toBeLessThan(8_000);
    await until(() => one.discovery.status().lastError === '', 'the delivery to be well again');
    const complaints = one.logged.filter((line) => line.startsWith('warn the names of this host'));
    expect(new Set(complaints).size).toBe(complaints.length);
    expect(one.discovery.status()).toMatchObject({ isConnected: true, lag: 0 });
  });

  test('that has lost everything is told all again', async () => {
    await using one = new Host(3);
    await using other = new Host(3);
    registerNumbered(one.store, 1);
    registerNumbered(other.store, 2);
    await one.knows('c1-1', 'c2-1');

    await servers.wipe();
    await until(async () => {
      const keys = await servers.etcdctl('get', '--prefix', prefix, '--keys-only');
      return keys.includes('c1-1') && keys.includes('c2-1');
    }, 'both hosts to have told all again');

    await Promise.all([one.knows('c1-1', 'c2-1'), other.knows('c1-1', 'c2-1')]);
  });

  test('into which somebody writes nonsense, or in another’s name, is believed the rest', async () => {
    await using one = new Host();
    await using other = new Host();
    registerNumbered(one.store, 1);
    await other.knows('c1-1');
    const forged = instanceOf({ id: 'forged', owner: { kind: 'api', node: one.store.node } });
    await servers.etcdctl('put', `${prefix}/instances/n9/junk`, '{"id":');
    await servers.etcdctl('put', `${prefix}/instances/n9/forged`, JSON.stringify(forged));
    registerNumbered(one.store, 2);
    await other.knows('c1-1', 'c2-1');

    expect(other.discovery.status()).toMatchObject({ nonsense: 2, imported: 2 });
    expect(other.logged.filter((line) => line.startsWith('warn what stands in etcd'))).toHaveLength(1);
  });
});

test('ten thousand instances are delivered and imported in seconds', { timeout: 120_000 }, async () => {
  const count = 10_000;
  await using one = new Host();
  await using other = new Host();
  await Promise.all([one.discovery.settled, other.discovery.settled]);
  const registered = await elapsedMs(Promise.resolve().then(() => registerMany(one, count)));
  const delivered = await elapsedMs(until(() => one.discovery.status().lag === 0, 'the delivery'));
  const imported = await elapsedMs(until(() => other.known().length === count, 'the import'));
  await using late = new Host();
  const read = await elapsedMs(until(() => late.known().length === count, 'all to be read'));
  const known = late.known();
  registerNumbered(other.store, 1, { id: 'one-more', address: '10.9.0.1' });
  const oneMore = await elapsedMs(until(() => one.get('one-more') !== undefined, 'one more'));

  console.log({ registered, delivered, imported, read, oneMore });
  expect(known.length).toBe(count);
  expect(delivered + imported).toBeLessThan(30_000);
});

function registerMany(host: Host, count: number): void {
  for (let number = 0; number < count; number++)
    host.store.put(
      draftOf({ id: `web-${number}`, address: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}` }),
    );
}

test('whatever three hosts do while etcd comes and goes, in the end all know the same', {
  timeout: 120_000,
}, async () => {
  const random = new Random();
  await using one = new Host(5);
  await using other = new Host(5);
  await using third = new Host(5);
  const hosts = [one, other, third];
  for (let round = 0; round < 60; round++) {
    for (const [at, host] of hosts.entries()) changeAtRandom(host, random, at * 10);
    if (round % 20 === 10) await servers.members[0]?.kill();
    if (round % 20 === 19) await servers.members[0]?.restart();
    await new Promise((resolve) => setTimeout(resolve, random.below(100)));
  }
  await servers.members[0]?.restart();

  const wanted = hosts.flatMap(({ store }) => store.instances().map(({ id }) => id));
  await Promise.all(hosts.map((host) => host.knows(...wanted)));
  await Promise.all(hosts.map((host) => until(() => host.discovery.status().lag === 0, 'all to be told')));
  for (const host of hosts)
    for (const instance of hosts.flatMap(({ store }) => store.instances()))
      await until(() => host.get(instance.id)?.weight === instance.weight, `the weight of ${instance.id}`);
});

function changeAtRandom({ store }: Host, random: Random, from: number): void {
  const number = from + random.below(10);
  if (random.below(3) === 0) store.withdraw(keyOf(number), 0);
  else registerNumbered(store, number, { weight: random.below(100) });
}
