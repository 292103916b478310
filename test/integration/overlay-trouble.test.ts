import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Attached, Cluster, type Host, overlayPrefix, reaches } from '../support/cluster.ts';
import { linkOf } from '../support/kernel.ts';
import {
  complaintsOf,
  createOverlay,
  knowEachOther,
  leaseNameOf,
  startOverlay,
  statusOf,
} from '../support/overlay-agents.ts';
import { awaitEcho, startPinging } from '../support/pinging.ts';
import { mustInside } from '../support/process.ts';
import { until } from '../support/until.ts';

// The agent's part in an overlay when etcd is away, leases are lost, and what stands in etcd is nonsense.

const subnets = `${overlayPrefix}/subnets`;
/** Where the only member of etcd is on the underlay. */
const etcdPort = 201;

describe('while etcd is away', () => {
  test('traffic and ADDs go on, also after a restart of the agent; then it is followed again', async () => {
    await using cluster = await createOverlay({ hosts: 2 });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await host.add(), await other.add()];
    await knowEachOther(cluster);

    await using pinging = await startPinging(second.netns, first.addresses[0] ?? '');
    await cluster.underlay.cut(etcdPort);
    await until(async () => !(await statusOf(host)).etcd.isConnected, 'etcd to be away');
    await host.stopAgent('SIGKILL');
    await host.startAgent();
    const third = await host.add();

    await awaitEcho(third.netns, second.addresses[0] ?? '');
    expect((await statusOf(other)).lease.state).toBe('held');
    await cluster.underlay.heal(etcdPort);
    const healedAt = performance.now();
    for (const each of cluster.hosts)
      await until(async () => (await statusOf(each)).etcd.isConnected, 'etcd to be followed again');
    console.log(`etcd was followed again ${Math.round(performance.now() - healedAt)} ms after it was back`);
    expect(performance.now() - healedAt).toBeLessThan(5_000);
    expect(await pinging.end()).toMatchObject({ lost: 0 });
  });

  test('a host that is cut off misses hosts and revisions that are compacted, and is whole again within 5 s', async () => {
    await using cluster = await Cluster.create({ hosts: 4 });
    const [host, stays, goes, comes] = cluster.hosts as [Host, Host, Host, Host];
    for (const each of [host, stays, goes]) await startOverlay(each);
    const [first, second] = [await host.add(), await stays.add()];
    await until(() => reaches(first, second), 'the hosts to know each other');

    await host.cut();
    await goes.stopAgent();
    await cluster.etcd.etcdctl('del', `${subnets}/${leaseNameOf(goes)}`);
    await startOverlay(comes);
    const late = await comes.add();
    await sleep(process.env.SOAK === '1' ? 60_000 : 12_000);
    await compact(cluster);
    expect(await reaches(first, second)).toBe(false);
    await host.heal();
    const healedAt = performance.now();
    await awaitEcho(first.netns, second.addresses[0] ?? '');
    const oldMs = Math.round(performance.now() - healedAt);
    await awaitEcho(first.netns, late.addresses[0] ?? '');

    const tookMs = Math.round(performance.now() - healedAt);
    console.log(
      `after it was cut off, a host reached its old peer in ${oldMs} ms, a new one in ${tookMs} ms`,
    );
    expect(tookMs).toBeLessThan(5_000);
    const { peers, problems } = await statusOf(host);
    expect(peers.map(({ publicAddress }) => publicAddress).toSorted()).toEqual([
      stays.address,
      comes.address,
    ]);
    expect(problems).toEqual([]);
  });
});

describe('a lease', () => {
  test('whose key somebody deletes is claimed again', async () => {
    await using cluster = await createOverlay({ hosts: 2 });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await host.add(), await other.add()];
    await knowEachOther(cluster);
    const name = leaseNameOf(host);

    await cluster.etcd.etcdctl('del', `${subnets}/${name}`);
    const deletedAt = performance.now();
    await until(async () => name in (await cluster.leases()), 'the key to be back');

    console.log(`a deleted lease was claimed again in ${Math.round(performance.now() - deletedAt)} ms`);
    await until(() => reaches(first, second), 'an echo');
    await until(() => leaseNameOf(host) === name, 'subnet.env to be back');
    expect(host.agent.log).toContain(`the lease ${name} is lost: its key is gone`);
    expect(await reaches(await host.add(), second)).toBe(true);
  });

  test('that another host takes is an alert; there is a new one, and a way to the taker', async () => {
    await using cluster = await createOverlay({ hosts: 2 });
    const [host, taker] = [cluster.host(1), cluster.host(2)];
    await host.add();
    await knowEachOther(cluster);
    const name = leaseNameOf(host);
    const { [leaseNameOf(taker)]: itsLease } = await cluster.leases();

    await cluster.etcd.etcdctl('put', `${subnets}/${name}`, JSON.stringify(itsLease));
    await until(() => ![name, ''].includes(leaseNameOf(host)), 'another subnet');

    expect(host.agent.log).toContain(`the subnet of the lease ${name} belongs to ${taker.address} now`);
    const { lease } = await statusOf(host);
    expect(lease).toMatchObject({ state: 'held', because: expect.stringContaining(name) });
    const [taken = ''] = name.split('-');
    const way = () => mustInside(host.netns, 'ip', 'route', 'get', taken.replace(/0$/, '77'));
    await until(async () => (await way()).includes('flannel.1'), 'the way to the taker');
    const { addresses } = await host.add();
    expect(`${addresses[0]?.replace(/\d+$/, '0')}-24`).toBe(leaseNameOf(host));
  });

  test('that is lost while no other is free: ADD answers code 11, after a restart of the agent, too', async () => {
    const network = { Network: '10.5.0.0/22', Backend: { Type: 'vxlan' } };
    await using cluster = await createOverlay({ hosts: 2, network });
    const [host, taker] = [cluster.host(1), cluster.host(2)];
    const name = leaseNameOf(host);
    const { [leaseNameOf(taker)]: itsLease } = await cluster.leases();
    const take = async (each: string) =>
      cluster.etcd.etcdctl('put', `${subnets}/${each}`, JSON.stringify(itsLease));
    const add = async () => host.rig.cni('ADD', host.conf(), await host.rig.container());

    await host.stopAgent('SIGKILL');
    for (const number of [1, 2, 3]) await take(`10.5.${number}.0-24`);
    await host.startAgent();
    await until(async () => (await add()).error?.code === 11, 'the stale subnet to be given up');
    expect(host.agent.log).toContain(`belongs to ${taker.address} now: it is removed`);
    expect((await statusOf(host)).lease).toMatchObject({
      state: 'waiting',
      because: expect.stringMatching(/no subnet is free/),
    });

    await cluster.etcd.etcdctl('del', `${subnets}/${name}`);
    await until(() => leaseNameOf(host) === name, 'the subnet to be leased again');
    expect((await add()).status).toBe(0);
  });
});

describe('bad input', () => {
  let cluster: Cluster;
  let host: Host;
  let [first, second]: (Attached | undefined)[] = [];

  beforeAll(async () => {
    cluster = await createOverlay({ hosts: 2 });
    host = cluster.host(1);
    [first, second] = [await host.add(), await cluster.host(2).add()];
    await knowEachOther(cluster);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const peer = (changes: object = {}) =>
    JSON.stringify({
      PublicIP: '192.0.2.77',
      BackendType: 'vxlan',
      BackendData: { VNI: 1, VtepMAC: '02:00:00:00:00:77' },
      ...changes,
    });
  const marker = { VNI: 1, VtepMAC: '02:00:00:00:00:c8' };
  const part = () => leaseNameOf(host).replace('.0-24', '.128-25');

  /** Keys below subnets/, their values, and what is said of them. */
  const nonsense: Record<
    string,
    { readonly key: () => string; readonly value: string; readonly says: RegExp }
  > = {
    'a key that is no subnet': { key: () => 'nonsense', value: peer(), says: /nonsense/ },
    'a key with a slash': { key: () => '10.5.77.0/24', value: peer(), says: /10\.5\.77\.0\/24/ },
    'an empty value': { key: () => '10.5.77.0-24', value: ' ', says: /10\.5\.77\.0-24/ },
    'a value that is no JSON': { key: () => '10.5.77.0-24', value: '{"PublicIP":', says: /10\.5\.77\.0-24/ },
    'a list': { key: () => '10.5.77.0-24', value: '[1,2]', says: /10\.5\.77\.0-24/ },
    'an address that is none': {
      key: () => '10.5.77.0-24',
      value: peer({ PublicIP: '192.0.2.777' }),
      says: /10\.5\.77\.0-24.*PublicIP/,
    },
    'a MAC that is none': {
      key: () => '10.5.77.0-24',
      value: peer({ BackendData: { VNI: 1, VtepMAC: '; reboot' } }),
      says: /10\.5\.77\.0-24.*VtepMAC/,
    },
    'a host of another backend': {
      key: () => '10.5.77.0-24',
      value: peer({ BackendType: 'host-gw' }),
      says: /10\.5\.77\.0-24.*host-gw/,
    },
    'another VNI': {
      key: () => '10.5.77.0-24',
      value: peer({ BackendData: { VNI: 9, VtepMAC: '02:00:00:00:00:77' } }),
      says: /10\.5\.77\.0-24: its VNI is 9/,
    },
    'a part of this host’s subnet': { key: part, value: peer(), says: /overlaps with this host's/ },
    'this host’s public address': {
      key: () => '10.5.77.0-24',
      value: peer({ PublicIP: '192.0.2.1' }),
      says: /192\.0\.2\.1 is this host's own/,
    },
    'a subnet outside the network': {
      key: () => '10.99.0.0-24',
      value: peer(),
      says: /not in the overlay's network/,
    },
    'the default route': { key: () => '0.0.0.0-0', value: peer(), says: /0\.0\.0\.0-0/ },
  };

  test.each(Object.entries(nonsense))(
    '%s is left out with a word in log and status',
    async (_what, { key, value, says }) => {
      const name = key();
      await until(async () => (await complaintsOf(host)) === '', 'all to be well');
      const routes = () => mustInside(host.netns, 'ip', 'route', 'show');
      const before = await routes();

      await using _key = await putKey(cluster, `${subnets}/${name}`, value);
      await until(
        async () => says.test(await complaintsOf(host)),
        'a complaint',
        () => host.agent.log,
      );

      expect(host.agent.log).toMatch(says);
      await followedByAll(cluster, peer({ PublicIP: '192.0.2.200', BackendData: marker }));
      expect(first && second && (await reaches(first, second))).toBe(true);
      await until(async () => (await routes()) === before, 'the routes to be as they were');
    },
  );

  test.each<[string, string, RegExp]>([
    ['no JSON', 'Network: 10.5.0.0/16', /config: is not JSON/],
    ['a network that is none', '{"Network": "10.5.0.0", "Backend": {"Type": "vxlan"}}', /Network: /],
    [
      'an unknown backend',
      '{"Network": "10.5.0.0/16", "Backend": {"Type": "wireguard"}}',
      /Backend\.Type: .*wireguard/,
    ],
    [
      'another network',
      '{"Network": "10.77.0.0/16", "Backend": {"Type": "vxlan"}}',
      /does not fit the configuration/,
    ],
  ])('a configuration with %s changes nothing for those that run', async (_, config, says) => {
    await cluster.etcd.etcdctl('put', `${overlayPrefix}/config`, config);
    await until(
      async () => says.test(await complaintsOf(host)),
      'a complaint',
      () => host.agent.log,
    );

    // What is repaired now was compared with what this configuration makes of it.
    await mustInside(host.netns, 'ip', 'link', 'set', 'flannel.1', 'mtu', '1300');
    await until(async () => (await linkOf(host.netns, 'flannel.1')).mtu === 1450, 'the repair');

    expect(first && second && (await reaches(first, second))).toBe(true);
    expect((await statusOf(host)).lease.state).toBe('held');
    await cluster.describe({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });
    await until(async () => (await complaintsOf(host)) === '', 'all to be well again');
  });
});

/** A key that goes with the scope in which it was put. */
async function putKey({ etcd }: Cluster, key: string, value: string): Promise<AsyncDisposable> {
  await etcd.etcdctl('put', key, value);
  return {
    [Symbol.asyncDispose]: async () => {
      await etcd.etcdctl('del', key);
    },
  };
}

/** Waits until every host's kernel has what has been put until now: what is put last is there, too. */
async function followedByAll(cluster: Cluster, lease: string): Promise<void> {
  await using _last = await putKey(cluster, `${subnets}/10.5.200.0-24`, lease);
  for (const { netns } of cluster.hosts) {
    const routes = () => mustInside(netns, 'ip', 'route', 'show');
    await until(async () => (await routes()).includes('10.5.200.0/24'), 'the route to a host that came last');
  }
}

/** Everything before now is history. */
async function compact({ etcd }: Cluster): Promise<void> {
  const status = await etcd.etcdctl('endpoint', 'status', '-w', 'json');
  await etcd.etcdctl('compact', /"revision":(\d+)/.exec(status)?.[1] ?? '');
}
