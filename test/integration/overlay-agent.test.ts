import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { binDir } from '../support/binaries.ts';
import { type Attached, Cluster, dualNetwork, type Host, reaches } from '../support/cluster.ts';
import { linkNames, listRoutes } from '../support/kernel.ts';
import {
  complaintsOf,
  createOverlay,
  knowEachOther,
  leaseNameOf,
  metricOf,
  printedStatus,
  startOverlay,
  statusOf,
} from '../support/overlay-agents.ts';
import { awaitEcho, startPinging } from '../support/pinging.ts';
import { inside, mustInside, tryInside } from '../support/process.ts';
import { until } from '../support/until.ts';

// The agent's part in an overlay while all goes its way: hosts come and change, somebody meddles, agents restart.

describe('what somebody takes from the kernel', () => {
  let cluster: Cluster;
  let host: Host;
  let [first, second]: (Attached | undefined)[] = [];

  beforeAll(async () => {
    cluster = await createOverlay({ hosts: 2 }, { ipMasq: true });
    host = cluster.host(1);
    [first, second] = [await host.add(), await cluster.host(2).add()];
    await knowEachOther(cluster);
  });
  afterAll(async () => {
    // One that is killed leaves its monitor of rules behind until some rule goes.
    await Promise.all(cluster.hosts.map((each) => each.stopAgent()));
    await cluster[Symbol.asyncDispose]();
  });

  const peer = () => cluster.host(2).subnet().FLANNEL_SUBNET?.replace('.1/24', '.0') ?? '';
  const own = () => host.subnet().FLANNEL_SUBNET?.replace('.1/24', '.0') ?? '';

  const damages: Record<string, () => string> = {
    'a route': () => `ip route del ${peer()}/24`,
    'a route’s gateway': () => `ip route replace ${peer()}/24 via 192.0.2.77 dev eth0`,
    'a neighbour': () => `ip neigh del ${peer()} dev flannel.1`,
    'a neighbour’s MAC': () =>
      `ip neigh replace ${peer()} lladdr 02:00:00:00:00:66 nud permanent dev flannel.1`,
    'a forwarding entry': () => 'bridge fdb flush dev flannel.1',
    'the device’s address': () => `ip addr del ${own()}/32 dev flannel.1`,
    'the device’s state': () => 'ip link set flannel.1 down',
    'the device’s MTU': () => 'ip link set flannel.1 mtu 1280',
    'the device’s MAC': () => 'ip link set flannel.1 address 02:00:00:00:00:67',
    'the device’s name': () => 'ip link set flannel.1 alias mine',
    'the device': () => 'ip link del flannel.1',
    'the masquerade': () => 'nft flush chain inet fairlead masq_overlay',
    'all rules': () => 'nft flush ruleset',
  };

  test.each(Object.entries(damages))('is put back within a second: %s', async (what, line) => {
    const before = await kernelOf(host);
    const [tool = '', ...args] = line().split(' ');
    const { drift } = await statusOf(host);
    await mustInside(host.netns, tool, ...args);
    const damagedAt = performance.now();

    await until(async () => (await kernelOf(host)) === before, `${what} to be put back`);

    const tookMs = Math.round(performance.now() - damagedAt);
    console.log(`${what} was put back in ${tookMs} ms`);
    expect(tookMs).toBeLessThan(1_000);
    await until(async () => (await statusOf(host)).drift.repairs > drift.repairs, 'it to be counted');
    expect((await statusOf(host)).drift.last).not.toEqual([]);
    expect(await metricOf(host, 'fairlead_overlay_repairs')).toBeGreaterThan(drift.repairs);
    expect(host.agent.log).toContain('the kernel was not as it had been left; repaired');
    expect(first && second && (await reaches(first, second))).toBe(true);
  });

  test('subnet.env is written again where somebody has removed it', async () => {
    const before = host.subnet();
    await mustInside(host.netns, 'rm', host.subnetFile);

    await mustInside(host.netns, 'ip', 'link', 'set', 'flannel.1', 'mtu', '1300');
    await until(() => host.subnet().FLANNEL_SUBNET !== undefined, 'subnet.env to be back');

    expect(host.subnet()).toMatchObject({ FLANNEL_SUBNET: before.FLANNEL_SUBNET, FLANNEL_MTU: '1450' });
  });

  test('what others have in the kernel is left alone', async () => {
    const foreign = [
      'ip link add name mine0 type veth peer name mine1',
      'ip link set mine0 up',
      'ip route add 198.51.100.0/24 via 192.0.2.254',
      'ip route add 10.5.250.0/28 via 192.0.2.254 proto static',
      'ip link add name vx9 type vxlan id 9 dstport 4790 dev eth0 local 192.0.2.1',
      'ip neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 nud permanent dev eth0',
      'nft add table inet mine',
    ];
    for (const line of foreign) await mustInside(host.netns, ...line.split(' '));
    const { drift } = await statusOf(host);

    // A repair compares everything.
    await mustInside(host.netns, 'ip', 'link', 'set', 'flannel.1', 'mtu', '1300');
    await until(async () => (await statusOf(host)).drift.repairs > drift.repairs, 'the repair');

    const links = await linkNames(host.netns);
    expect(links).toEqual(expect.arrayContaining(['mine0', 'mine1', 'vx9']));
    const routes = (await listRoutes(host.netns, 4)).map(({ dst }) => dst);
    expect(routes).toEqual(expect.arrayContaining(['198.51.100.0/24', '10.5.250.0/28']));
    expect(await mustInside(host.netns, 'ip', 'neigh', 'show', 'dev', 'eth0')).toContain('192.0.2.99');
    expect(await mustInside(host.netns, 'nft', 'list', 'tables')).toContain('inet mine');
  });
});

describe('an agent', () => {
  test('that is killed and started again keeps its subnet, and no packet is lost', async () => {
    await using cluster = await createOverlay({ hosts: 2 });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await host.add(), await other.add()];
    await knowEachOther(cluster);
    const [subnet, leases, links] = [host.subnet(), await cluster.leases(), await linkNames(host.netns)];

    await using pinging = await startPinging(second.netns, first.addresses[0] ?? '');
    await host.stopAgent('SIGKILL');
    expect(host.subnet()).toEqual(subnet);
    await startOverlay(host);
    await until(async () => (await statusOf(host)).lease.state === 'held', 'the lease to be held again');
    await host.stopAgent('SIGTERM');
    const [left, between] = [await linkNames(host.netns), await host.add()];
    await startOverlay(host);
    await until(async () => (await statusOf(host)).lease.state === 'held', 'the lease to be held again');

    const { sent, lost } = await pinging.end();
    console.log(`${sent} echo requests over a kill, a stop and two starts of an agent, ${lost} lost`);
    expect([lost, sent > 10]).toEqual([0, true]);
    expect([left, await cluster.leases()]).toEqual([links, leases]);
    expect(host.subnet().FLANNEL_SUBNET).toBe(subnet.FLANNEL_SUBNET);
    expect(await reaches(between, second)).toBe(true);
    expect((await statusOf(host)).drift.repairs).toBe(0);
  });

  test('follows an address of its host that changes, and the others follow within 2 s', async () => {
    await using cluster = await createOverlay({ hosts: 2 });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await host.add(), await other.add()];
    await knowEachOther(cluster);
    const subnet = host.subnet().FLANNEL_SUBNET;

    await mustInside(host.netns, 'ip', 'addr', 'del', '192.0.2.1/24', 'dev', 'eth0');
    await mustInside(host.netns, 'ip', 'addr', 'add', '192.0.2.51/24', 'dev', 'eth0');
    const changedAt = performance.now();
    await awaitEcho(second.netns, first.addresses[0] ?? '');

    const tookMs = Math.round(performance.now() - changedAt);
    console.log(`a changed public address was followed in ${tookMs} ms`);
    expect(tookMs).toBeLessThan(2_000);
    expect(await reaches(first, second)).toBe(true);
    expect((await statusOf(other)).peers).toMatchObject([{ publicAddress: '192.0.2.51' }]);
    expect(host.subnet().FLANNEL_SUBNET).toBe(subnet);
  });

  test('makes its way to a host that joins within a second of its lease', async () => {
    await using cluster = await Cluster.create({ hosts: 4 });
    const old = cluster.hosts.slice(0, 3);
    await Promise.all(old.map((host) => startOverlay(host)));
    const containers = await Promise.all(old.map((host) => host.add()));
    const host = cluster.host(4);

    await startOverlay(host);
    const leasedAt = performance.now();
    const address = host.subnet().FLANNEL_SUBNET?.replace('.1/24', '.0') ?? '';
    await Promise.all(containers.map(({ netns }) => awaitEcho(netns, address)));
    const tookMs = Math.round(performance.now() - leasedAt);
    const late = await host.add();

    console.log(`containers of three hosts reached a new one ${tookMs} ms after its lease`);
    expect(tookMs).toBeLessThan(1_000);
    expect(await Promise.all(containers.map((each) => reaches(late, each)))).toEqual([true, true, true]);
  });

  test('sends no VXLAN to hosts on its link where the network wants DirectRouting', async () => {
    const network = dualNetwork({ Backend: { Type: 'vxlan', DirectRouting: true } });
    await using cluster = await createOverlay({ hosts: 2, network });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await host.add(), await other.add()];
    await knowEachOther(cluster);

    await until(() => reaches(first, second), 'an echo');

    const statistics = await mustInside(host.netns, 'ip', '-s', '-j', 'link', 'show', 'dev', 'flannel.1');
    expect(JSON.parse(statistics)[0].stats64.tx.packets).toBe(0);
    expect((await statusOf(host)).peers.map(({ isDirect }) => isDirect)).toEqual([true, true]);
    const routes = [...(await listRoutes(host.netns, 4)), ...(await listRoutes(host.netns, 6))];
    expect(routes.filter(({ dev, gateway }) => dev === 'eth0' && gateway !== undefined)).toHaveLength(2);
  });

  test('makes its device anew where the network gets another VNI and port, and its containers reach the others again', async () => {
    await using cluster = await createOverlay({ hosts: 2 });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await host.add(), await other.add()];
    await knowEachOther(cluster);

    await cluster.describe({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan', VNI: 7, Port: 4789 } });
    await until(async () => (await linkNames(host.netns)).includes('flannel.7'), 'the new device');
    await until(() => reaches(first, second), 'an echo over it');

    expect((await linkNames(host.netns)).filter((name) => name.startsWith('flannel'))).toEqual(['flannel.7']);
  });

  test('that needs long to start, on a machine that is busy, has its timers nevertheless', async () => {
    await using cluster = await Cluster.create({ hosts: 1 });
    const host = cluster.host(1);

    await using _agent = await startSlowly(host, 1_300);

    await until(() => leaseNameOf(host) !== '', 'a subnet');
  });

  test('takes the routes to a host away whose lease has ended', async () => {
    await using cluster = await createOverlay({ hosts: 2 }, { leaseTTL: '3s' });
    const [host, other] = [cluster.host(1), cluster.host(2)];
    await knowEachOther(cluster);

    await other.stopAgent('SIGKILL');
    await until(async () => (await statusOf(host)).peers.length === 0, 'the peer to be gone');
    await until(async () => !(await kernelOf(host)).includes(other.address), 'its entries to be gone');

    expect(host.agent.log).toContain('host left');
    expect(Object.keys(await cluster.leases())).toHaveLength(1);
    const { error } = await other.rig.cni('ADD', other.conf(), await other.rig.container());
    expect(error).toMatchObject({ code: 11, msg: expect.stringContaining('lease of the subnet has ended') });
  });
});

describe('an agent leases nothing, says why, and begins once that has gone', () => {
  const causes: Record<string, { readonly cause: string; readonly cure: string; readonly says: RegExp }> = {
    'the network overlaps with a route of the host': {
      cause: 'ip route add 10.5.128.0/20 via 192.0.2.254',
      cure: 'ip route del 10.5.128.0/20',
      says: /10\.5\.0\.0\/16 overlaps with the route to 10\.5\.128\.0\/20 by eth0/,
    },
    'the underlay has too small an MTU': {
      cause: 'ip link set eth0 mtu 1300',
      cure: 'ip link set eth0 mtu 1500',
      says: /raise the MTU/,
    },
    'the underlay has no address of a family that the network has': {
      cause: 'ip -6 addr flush dev eth0',
      cure: 'ip addr add 2001:db8:5::1/64 dev eth0 nodad',
      says: /no IPv6 address/,
    },
    'another VXLAN device has the VNI and port': {
      cause: 'ip link add name vx0 type vxlan id 1 dstport 8472 dev eth0 local 192.0.2.1',
      cure: 'ip link del vx0',
      says: /vx0 has VNI 1 and UDP port 8472/,
    },
  };

  test.each(Object.entries(causes))('%s', async (_, { cause, cure, says }) => {
    await using cluster = await Cluster.create({ hosts: 1, network: dualNetwork() });
    const host = cluster.host(1);
    await mustInside(host.netns, ...cause.split(' '));

    await host.startAgent();
    await until(
      () => says.test(host.agent.log),
      'the reason in the log',
      () => host.agent.log,
    );

    const { error } = await host.rig.cni('ADD', host.conf(), await host.rig.container());
    expect([error?.code, (await linkNames(host.netns)).includes('flannel.1')]).toEqual([11, false]);
    expect(await complaintsOf(host)).toMatch(says);
    await mustInside(host.netns, ...cure.split(' '));
    await until(
      () => leaseNameOf(host) !== '',
      'a subnet',
      () => host.agent.log,
    );
    expect((await host.add()).addresses).toHaveLength(2);
  });
});

test('`overlay status` tells in words what it tells as JSON, and where there is no overlay says what makes one', async () => {
  await using cluster = await createOverlay({ hosts: 2 });
  const [host, other] = [cluster.host(1), cluster.host(2)];
  await knowEachOther(cluster);

  const [text, json] = [await printedStatus(host), await printedStatus(host, '--json')];
  await other.stopAgent();
  await other.startAgent({ overlay: undefined });
  const without = await printedStatus(other);

  const { lease, peers } = await statusOf(host);
  expect(JSON.parse(json.stdout)).toMatchObject({ lease: { state: 'held', subnets: lease.subnets }, peers });
  expect(text.stdout).toContain(`held  ${lease.subnets[0]}`);
  expect(text.stdout).toMatch(new RegExp(`${peers[0]?.subnet} +${peers[0]?.publicAddress} `));
  expect([without.status, without.stderr]).toEqual([1, expect.stringContaining('block "overlay"')]);
});

/** Starts the agent of a host, and holds its process back for so long. */
async function startSlowly(host: Host, ms: number): Promise<AsyncDisposable> {
  const file = `${host.rig.dir}/agent.json`;
  writeFileSync(
    file,
    JSON.stringify({ ...host.agentConfig(), api: { listen: ['none'] }, dns: { listen: ['none'] } }),
  );
  const args = inside(host.netns, `${binDir}/fairlead`, 'agent', '--store', host.rig.store, '--config', file);
  const child = execa('nsenter', args, { reject: false, timeout: 60_000, killSignal: 'SIGKILL' });
  await sleep(50);
  child.kill('SIGSTOP');
  await sleep(ms);
  child.kill('SIGCONT');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** What a host's kernel has of the overlay, but for what changes when a device is made anew. */
function kernelOf({ netns }: Host): Promise<string> {
  const script = [
    'ip route show proto 76',
    'ip neigh show dev flannel.1 nud permanent',
    'bridge fdb show dev flannel.1',
    'ip -br addr show dev flannel.1',
    'ip -o link show dev flannel.1 | grep -o "mtu [0-9]*\\|link/ether [^ ]*\\|alias.*"',
    'nft list chain inet fairlead masq_overlay',
  ];
  return tryInside(netns, 'sh', '-c', script.join('; ')).then(({ stdout }) => stdout);
}
