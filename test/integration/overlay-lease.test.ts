import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { follow } from '../../lib/etcd/follow.ts';
import type { Log } from '../../lib/log/log.ts';
import { vtepMac } from '../../lib/overlay/kernel/mtu.ts';
import { LeaseHolder, type LeaseHolderOptions } from '../../lib/overlay/lease/holder.ts';
import type { Self } from '../../lib/overlay/lease/owner.ts';
import { emptyTable, updateTable } from '../../lib/overlay/lease/table.ts';
import { EtcdServers } from '../support/etcd.ts';
import { cidr, publicAddress } from '../support/overlay-planes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

// Leases of many hosts on a real etcd. It needs no network but loopback: what is made in the kernel for a lease is not
// looked at here.

const prefix = '/coreos.com/network';
const stack = new AsyncDisposableStack();
let servers: EtcdServers;

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  servers = stack.use(await EtcdServers.start({ dir: dir.path, places: [{ address: '127.0.0.1' }] }));
});

afterAll(() => stack.disposeAsync());

beforeEach(async () => {
  await servers.etcdctl('del', '--prefix', '/');
  // Sixteen subnets: the first is not left out.
  await configure({ Network: '10.5.0.0/20', SubnetMin: '10.5.0.0' });
});

const configure = (config: object) =>
  servers.etcdctl('put', `${prefix}/config`, JSON.stringify({ ...config, Backend: { Type: 'vxlan' } }));

const keys = async () => {
  const text = await servers.etcdctl('get', '--prefix', '--keys-only', `${prefix}/subnets/`);
  return text.split('\n').filter((line) => line !== '');
};

const readValue = async (key: string) => JSON.parse(await servers.etcdctl('get', '--print-value-only', key));

/** What a flanneld on another host writes. */
const flannelValue = (host: number) =>
  JSON.stringify({
    PublicIP: `192.0.2.${host}`,
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:99' },
  });

const selfOf = (host: number): Self => {
  const own = publicAddress(host);
  return { 4: { publicAddress: own, vni: 1, vtepMac: vtepMac(1, own) } };
};

/** A host that follows etcd and holds a lease, each by a connection of its own. */
class Host implements AsyncDisposable {
  readonly holder: LeaseHolder;
  readonly log: string[] = [];
  /** Each state that was told, in a few words. */
  readonly told: string[] = [];
  readonly #etcd: Etcd;
  readonly #ended = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(number: number, options: Partial<LeaseHolderOptions> = {}, cluster = servers) {
    this.#etcd = connectEtcd(cluster.config);
    const say =
      (level: string): Log[keyof Log] =>
      (message) => {
        this.log.push(`${level}: ${message}`);
      };
    this.holder = new LeaseHolder({
      etcd: this.#etcd,
      prefix,
      ttlSeconds: 60,
      node: `node-${number}`,
      previous: {},
      log: { info: say('info'), warn: say('warn'), error: say('error') },
      nowSeconds: () => performance.now() / 1_000,
      onChange: () => this.told.push(this.shown),
      ...options,
    });
    this.holder.setSelf(selfOf(number));
    this.#running = this.#run(this.#ended.signal);
  }

  get shown(): string {
    const { state } = this.holder;
    return state.kind === 'held' ? `held ${state.lease.name}` : state.kind;
  }

  get name(): string | undefined {
    const { state } = this.holder;
    return state.kind === 'held' ? state.lease.name : undefined;
  }

  get key(): string {
    return `${prefix}/subnets/${this.name}`;
  }

  /** Resolves when it holds a lease. */
  async holds(): Promise<this> {
    await until(
      () => this.name !== undefined,
      'a lease; the state is ',
      () => JSON.stringify(this.holder.state, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    );
    return this;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let table = emptyTable;
    const following = follow(
      {
        etcd: this.#etcd,
        prefix: `${prefix}/`,
        tell: (followed) => {
          table = updateTable(table, followed, prefix);
          if (followed.kind !== 'lost') this.holder.follow(table);
        },
      },
      signal,
    );
    await Promise.all([following, this.holder.run(signal)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#running;
    await this.#etcd[Symbol.asyncDispose]();
  }
}

test('a lease is a key that goes with a lease of etcd, and tells the others how the host is reached', async () => {
  await using host = await new Host(1).holds();

  expect(await keys()).toEqual([host.key]);
  expect(await readValue(host.key)).toEqual({
    PublicIP: '192.0.2.1',
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: vtepMac(1, publicAddress(1)) },
    Node: 'node-1',
  });
  const [, id = ''] = /^([\da-f]{16})$/m.exec(await servers.etcdctl('lease', 'list')) ?? [];
  expect(await servers.etcdctl('lease', 'timetolive', '--keys', id)).toMatch(
    new RegExp(`granted with TTL\\(60s\\).*attached keys\\(\\[${host.key}\\]\\)`),
  );
});

test('of twenty hosts at once on a network of sixteen, sixteen get one each, and four say that it is full', async () => {
  await using all = new AsyncDisposableStack();
  const hosts = Array.from({ length: 20 }, (_, index) => all.use(new Host(index + 1)));
  const waiting = () => hosts.filter(({ holder: { state } }) => isFull(state)).length;
  await until(
    () => waiting() === 4 && hosts.filter(({ name }) => name).length === 16,
    'sixteen leases; there are ',
    () => hosts.map(({ shown }) => shown).join(),
  );

  const names = hosts.flatMap(({ name }) => name ?? []);
  expect(new Set(names).size).toBe(16);
  expect(await keys()).toHaveLength(16);
  // A lease that is given back goes to one of the four, without anything but etcd telling.
  const [gone] = hosts.filter(({ name }) => name !== undefined);
  const key = gone?.key ?? '';
  await gone?.[Symbol.asyncDispose]();
  await servers.etcdctl('del', key);
  await until(() => waiting() === 3, 'one of those that wait to have the lease that was given back');
}, 60_000);

test('of eight hosts that all had the same subnet, one has it again and all have one', async () => {
  await using all = new AsyncDisposableStack();
  const previous = { 4: cidr('10.5.9.0/24') };

  const hosts = Array.from({ length: 8 }, (_, index) => all.use(new Host(index + 1, { previous })));
  await Promise.all(hosts.map((host) => host.holds()));

  const names = hosts.map(({ name }) => name);
  expect(new Set(names).size).toBe(8);
  expect(names).toContain('10.5.9.0-24');
});

test('a lease outlives its process for its time, and then it is free for others', async () => {
  const previous = { 4: cidr('10.5.9.0/24') };
  const first = await new Host(1, { ttlSeconds: 3, previous }).holds();
  await first[Symbol.asyncDispose]();
  expect(await keys()).toHaveLength(1);

  await until(async () => (await keys()).length === 0, 'the lease to end');
  await using other = await new Host(2, { previous }).holds();

  expect(other.name).toBe('10.5.9.0-24');
});

test('a lease of three seconds is held for eight', async () => {
  await using host = await new Host(1, { ttlSeconds: 3 }).holds();

  await sleep(8_000);

  expect(host.told.filter((state) => state !== `held ${host.name}`)).toEqual([]);
  expect(await keys()).toEqual([host.key]);
});

test('with an etcd that is frozen a lease is lost in time, and had again when it goes on', async () => {
  await using host = await new Host(1, { ttlSeconds: 4 }).holds();
  const { name } = host;
  const [member] = servers.members;
  const { state } = host.holder;
  const endsAt = state.kind === 'held' ? (state.untilSeconds ?? 0) * 1_000 : 0;
  member?.stop();
  try {
    await until(() => host.shown === 'lost', 'the loss');
    expect(performance.now() - endsAt).toBeLessThan(1_500);
    expect(host.holder.state).toMatchObject({ because: expect.stringContaining('not renewed in time') });
  } finally {
    member?.cont();
  }
  await host.holds();

  expect(host.name).toBe(name);
  expect(host.log.filter((line) => line.startsWith('error'))).toEqual([]);
});

test('an etcd that is killed and comes back costs nobody a lease', async () => {
  await using host = await new Host(1, { ttlSeconds: 6 }).holds();
  const [member] = servers.members;

  await member?.kill();
  await sleep(2_000);
  await member?.start();
  await servers.ready();
  await sleep(6_000);

  expect(host.told).not.toContain('lost');
  expect(await keys()).toEqual([host.key]);
});

test('an etcd that begins anew gets every lease back', async () => {
  await using all = new AsyncDisposableStack();
  const hosts = Array.from({ length: 5 }, (_, index) => all.use(new Host(index + 1)));
  await Promise.all(hosts.map((host) => host.holds()));
  const before = hosts.map(({ key }) => key);

  await servers.wipe();
  await configure({ Network: '10.5.0.0/20', SubnetMin: '10.5.0.0' });
  await until(async () => (await keys()).length === 5, 'five leases');

  expect(await keys()).toEqual(before.sort());
});

test('a key that etcdctl deletes is there again in a moment', async () => {
  await using host = await new Host(1).holds();
  const { name, key } = host;

  await servers.etcdctl('del', key);
  await until(async () => (await keys()).length === 1, 'the key');
  await host.holds();

  expect(host.told.slice(-2)).toEqual(['lost', `held ${name}`]);
});

test('a key that is written for another host is left to that one', async () => {
  await using host = await new Host(1).holds();
  const { name, key } = host;

  await servers.etcdctl('put', key, flannelValue(2));
  await until(() => host.name !== undefined && host.name !== name, 'another lease');

  expect(await readValue(key)).toMatchObject({ PublicIP: '192.0.2.2' });
  expect(host.holder.state).toMatchObject({ insteadOf: { previous: { name }, takenBy: '192.0.2.2' } });
  expect(host.log.filter((line) => line.startsWith('error'))).toHaveLength(1);
});

test('the next process takes over the lease of the last one', async () => {
  const first = await new Host(1).holds();
  const { name } = first;
  await first[Symbol.asyncDispose]();

  await using next = await new Host(1).holds();

  expect(next.name).toBe(name);
  expect(await keys()).toEqual([next.key]);
});

test('a host whose address has changed keeps its lease, while it runs or between two runs', async () => {
  const first = await new Host(1).holds();
  const { name, key } = first;
  first.holder.setSelf(selfOf(77));
  await until(async () => (await readValue(key)).PublicIP === '192.0.2.77', 'the new address');
  await first[Symbol.asyncDispose]();

  await using next = await new Host(78, { node: 'node-1' }).holds();

  expect(next.name).toBe(name);
  expect(await readValue(key)).toMatchObject({ PublicIP: '192.0.2.78', Node: 'node-1' });
});

test('what is reserved for a host is taken by it alone, and stays without an end', async () => {
  await servers.etcdctl('put', `${prefix}/subnets/10.5.9.0-24`, '{"PublicIP":"192.0.2.2"}');

  await using all = new AsyncDisposableStack();
  const previous = { 4: cidr('10.5.9.0/24') };
  const other = await all.use(new Host(1, { previous })).holds();
  const host = await all.use(new Host(2)).holds();

  expect(other.name).not.toBe('10.5.9.0-24');
  expect(host.name).toBe('10.5.9.0-24');
  expect(host.holder.state).toMatchObject({ untilSeconds: undefined });
  expect(await servers.etcdctl('get', '-w', 'fields', host.key)).toContain('"Lease" : 0');
});

test('with two configurations, of subnets that overlap the later lease gives way', async () => {
  await using wide = await new Host(1, { previous: { 4: cidr('10.5.9.0/24') } }).holds();
  const between = Array.from({ length: 6 }, (_, third) => `10.5.${third * 2}.0-23`);
  await configure({ Network: '10.5.0.0/20', SubnetMin: '10.5.0.0', SubnetLen: 23 });
  for (const name of between.slice(0, 4))
    await servers.etcdctl('put', `${prefix}/subnets/${name}`, flannelValue(9));

  await using other = await new Host(2, { previous: { 4: cidr('10.5.8.0/23') } }).holds();

  expect(wide.name).toBe('10.5.9.0-24');
  expect(['10.5.10.0-23', '10.5.12.0-23', '10.5.14.0-23']).toContain(other.name);
});

test('a leader that is killed while twelve hosts claim leaves each with one lease', async () => {
  await using own = new AsyncDisposableStack();
  const dir = own.use(temporaryDirectory());
  const places = Array.from({ length: 3 }, () => ({ address: '127.0.0.1' }));
  const cluster = own.use(await EtcdServers.start({ dir: dir.path, places }));
  const config = { Network: '10.5.0.0/20', Backend: { Type: 'vxlan' } };
  await cluster.etcdctl('put', `${prefix}/config`, JSON.stringify(config));
  const leader = await cluster.leader();

  const hosts = Array.from({ length: 12 }, (_, index) => own.use(new Host(index + 1, {}, cluster)));
  await until(() => hosts.some(({ name }) => name !== undefined), 'the first lease');
  await leader.kill();
  await Promise.all(hosts.map((host) => host.holds()));

  const text = await cluster.etcdctl('get', '--prefix', '--keys-only', `${prefix}/subnets/`);
  const found = text.split('\n').filter((line) => line !== '');
  expect(found.sort()).toEqual(hosts.map(({ key }) => key).sort());
}, 60_000);

function isFull(state: LeaseHolder['state']): boolean {
  return state.kind === 'waiting' && state.because.includes('no subnet is free: all 16');
}
