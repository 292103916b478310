import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Attached, Cluster, type Host, reaches } from '../support/cluster.ts';
import { awaitEcho, capturePings, startPinging } from '../support/pinging.ts';
import { mustInside, tryInside } from '../support/process.ts';
import {
  addRouted,
  awaitRoutes,
  delRouted,
  ipamOf,
  joinRouted,
  putPools,
  rangesOf,
  routesOf,
  startRouted,
} from '../support/routed-cluster.ts';
import type { Underlay } from '../support/underlay.ts';
import { until } from '../support/until.ts';

// Agents with blocks that write the routes themselves: containers of hosts without a bridge and without encapsulation.

describe('three hosts on one link', () => {
  let cluster: Cluster;
  let containers: readonly Attached[];

  beforeAll(async () => {
    cluster = await Cluster.create({ hosts: 3 });
    await joinRouted(cluster);
    containers = await Promise.all(cluster.hosts.map((host) => addRouted(host)));
    await awaitRoutes(cluster);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  const container = (number: number): Attached => {
    const found = containers[number - 1];
    if (found === undefined) throw new Error(`there is no container ${number}`);
    return found;
  };

  test('have blocks of their own, and containers with an address of each pool', () => {
    const ranges = cluster.hosts.flatMap(rangesOf);
    expect(new Set(ranges).size).toBe(ranges.length);
    for (const { addresses } of containers)
      expect(addresses).toEqual([
        expect.stringMatching(/^10\.50\.\d+\.\d+$/),
        expect.stringMatching(/^fd00:50:/),
      ]);
  });

  test('reach each other’s containers by both families, whose packets cross the link as they are', async () => {
    const [from, to] = [container(1), container(3)];
    const [seen] = await capturePings(from, { to: to.addresses[0] ?? '', at: cluster.host(3) });

    expect(seen).toContain(`IP ${from.addresses[0]} > ${to.addresses[0]}: ICMP echo request`);
    for (const one of containers)
      for (const other of containers) expect(one === other || (await reaches(one, other))).toBe(true);
  });

  test('find each other’s names, which a container asks for at 169.254.1.1', async () => {
    const host = cluster.host(2);
    const shop = await addRouted(host, {
      registry: { store: host.rig.store, service: 'shop' },
    });
    const name = 'shop.default.svc.fairlead.internal';
    const answer = async () => cluster.host(1).agent.dig(name);
    await until(async () => (await answer()).includes(shop.addresses[0] ?? ''), `${name} on host 1`);

    const { stdout } = await tryInside(
      container(1).netns,
      ...['dig', '+short', '+time=2', '@169.254.1.1', name],
    );

    expect(stdout.split('\n')).toContain(shop.addresses[0]);
    await delRouted(host, shop);
    await until(async () => (await answer()).length === 0, `${name} to be gone on host 1`);
  });

  test('lose no packet while an agent is killed and starts again, and it keeps its blocks', async () => {
    const [host, from, to] = [cluster.host(2), container(1), container(2)];
    const before = rangesOf(host);
    const pinging = await startPinging(from.netns, to.addresses[0] ?? '');
    await host.stopAgent('SIGKILL');
    const meanwhile = await addRouted(host);
    await startRouted(host);
    await awaitRoutes(cluster);
    const { sent, lost } = await pinging.end();

    expect(sent).toBeGreaterThan(5);
    expect(lost).toBe(0);
    expect(rangesOf(host)).toEqual(before);
    await awaitEcho(from.netns, meanwhile.addresses[0] ?? '');
  });

  test('have a route put back that somebody has removed', async () => {
    const [{ dst, via } = { dst: '', via: '' }] = (await routesOf(cluster.host(1))).routes.filter(
      ({ family }) => family === 4,
    );
    await mustInside(cluster.host(1).netns, 'ip', 'route', 'del', dst);
    const removedAt = performance.now();
    const show = () => mustInside(cluster.host(1).netns, 'ip', 'route', 'show', dst);
    await until(async () => (await show()).includes(`via ${via}`), `${dst} to be back`);

    expect(performance.now() - removedAt).toBeLessThan(1_000);
    await until(async () => (await routesOf(cluster.host(1))).drift.repairs > 0, 'it to be counted');
  });

  test('leave a route of somebody else’s in force, and name it', async () => {
    const host = cluster.host(1);
    const dst = '10.50.255.192/26';
    await mustInside(host.netns, 'ip', 'route', 'add', dst, 'via', '192.0.2.254', 'proto', 'static');
    await cluster.etcd.etcdctl(
      'put',
      '/fairlead/ipam/hosts/0123456789abcdef',
      '{"name":"stranger","addresses":["192.0.2.77"]}',
    );
    await cluster.etcd.etcdctl(
      'put',
      '/fairlead/ipam/blocks/10.50.255.192-26',
      '{"node":"0123456789abcdef","state":"confirmed","used":0}',
    );
    const named = async () => (await routesOf(host)).problems.some((text) => text.includes(dst));
    await until(named, 'the route to be named');

    expect((await routesOf(host)).problems.join()).toContain('via 192.0.2.254 dev eth0, protocol 4');
    expect(await mustInside(host.netns, 'ip', 'route', 'show', dst)).toContain('via 192.0.2.254');

    await mustInside(host.netns, 'ip', 'route', 'del', dst);
    const show = () => mustInside(host.netns, 'ip', 'route', 'show', dst);
    await until(async () => (await show()).includes('via 192.0.2.77'), 'our route in its place');
    await cluster.etcd.etcdctl('del', '/fairlead/ipam/blocks/10.50.255.192-26');
    await until(async () => (await show()) === '', 'the route to go with its block');
  });
});

describe('addresses of a pool that leave the pools', () => {
  test('have the host’s address outside where the pool says so, and their own inside', async () => {
    await using cluster = await Cluster.create({ hosts: 2 });
    await joinRouted(cluster, {}, { main: { cidr: '10.50.0.0/16', natOutgoing: true } });
    const [one, other] = [cluster.host(1), cluster.host(2)];
    const [from, to] = [await addRouted(one), await addRouted(other)];
    await awaitRoutes(cluster);

    const [outside] = await capturePings(from, { to: other.address, at: other });
    const [inside] = await capturePings(from, { to: to.addresses[0] ?? '', at: other });

    expect(outside).toContain('IP 192.0.2.1 > 192.0.2.2');
    expect(inside).toContain(`IP ${from.addresses[0]} > ${to.addresses[0]}`);
  });
});

test('a full pool is borrowed from: containers of one host have addresses of another’s block, and are reached', async () => {
  await using cluster = await Cluster.create({ hosts: 2 });
  await putPools(cluster, { tiny: { cidr: '10.51.0.0/28', blockSize: 28 } });
  const blocks = { spare: 2 };
  await startRouted(cluster.host(1), { blocks });
  await startRouted(cluster.host(2), { blocks });
  const [owner, borrower] = [cluster.host(1), cluster.host(2)];

  const theirs = await addRouted(owner);
  const borrowed = await addRouted(borrower);
  await awaitRoutes(cluster);

  await awaitEcho(theirs.netns, borrowed.addresses[0] ?? '');
  await awaitEcho(borrowed.netns, theirs.addresses[0] ?? '');
  const [block] = (await ipamOf(owner)).blocks;
  expect(block?.loans.map(({ address }) => address)).toContain(borrowed.addresses[0]);
  expect(sharedAddresses(borrower)).toContain(borrowed.addresses[0]);
});

/** All that a host may lease of 10.51.0.0/24; what lies side by side is one range. */
function sharedAddresses({ rig }: Host): readonly string[] {
  const { ranges }: { readonly ranges: readonly { readonly first: string; readonly last: string }[] } =
    JSON.parse(readFileSync(`${rig.dir}/blocks.json`, 'utf8'));
  const lastByte = (address: string) => Number(address.split('.').at(-1));
  return ranges.flatMap(({ first, last }) =>
    Array.from(
      { length: lastByte(last) - lastByte(first) + 1 },
      (_, at) => `10.51.0.${lastByte(first) + at}`,
    ),
  );
}

test('hosts on no common link reach each other’s blocks over the overlay, with room for its headers', async () => {
  await using cluster = await Cluster.create({ hosts: 2 });
  const pools = { main: { cidr: '10.50.0.0/16' } };
  const [one, other] = [cluster.host(1), cluster.host(2)];
  for (const host of cluster.hosts) await routeByRouter(host, cluster.underlay);
  await putPools(cluster, pools);
  for (const host of cluster.hosts) {
    const { overlay } = host.agentConfig() as { overlay: object };
    await startRouted(host, {}, { overlay });
  }

  const [from, to] = [await addRouted(one), await addRouted(other)];
  await awaitRoutes(cluster);
  await awaitEcho(from.netns, to.addresses[0] ?? '');

  expect((await routesOf(one)).routes).toMatchObject([{ way: 'vxlan', dev: 'flannel.1' }]);
  const link = await mustInside(from.netns, 'ip', 'link', 'show', 'eth0');
  expect(link).toContain('mtu 1430');
});

/** Takes a host off the link of the others: all of them are behind the underlay's router. */
async function routeByRouter({ netns, address }: Host, underlay: Underlay): Promise<void> {
  const router = '192.0.2.254';
  await mustInside(
    underlay.netns,
    'sysctl',
    '-qw',
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.send_redirects=0',
    'net.ipv4.conf.br0.send_redirects=0',
  );
  await mustInside(netns, 'ip', 'addr', 'del', `${address}/24`, 'dev', 'eth0');
  await mustInside(netns, 'ip', 'addr', 'add', `${address}/32`, 'dev', 'eth0');
  await mustInside(netns, 'ip', 'route', 'add', router, 'dev', 'eth0', 'scope', 'link');
  await mustInside(netns, 'ip', 'route', 'add', 'default', 'via', router, 'dev', 'eth0', 'src', address);
}
