import { describe, expect, test } from 'vitest';
import { type Attached, dualNetwork, reaches } from '../support/cluster.ts';
import type { Host } from '../support/cluster-host.ts';
import { linkNames, linkOf } from '../support/kernel.ts';
import { createOverlay, knowEachOther, startOverlay, statusOf } from '../support/overlay-agents.ts';
import { mustInside } from '../support/process.ts';
import type { Conf } from '../support/rig.ts';
import { createStaticHosts, dualStaticConf, staticConf } from '../support/static-overlay.ts';
import { framesThatArrive, sourceSeenBy, startSourceServer } from '../support/traffic.ts';
import { until } from '../support/until.ts';

// One subnet over all hosts: the VXLAN device is a port of the bridge.

const stretched = { mode: 'l2' };

describe('with static peers', () => {
  test('containers of two hosts are in one subnet, find each other by ARP, and have gateways of their own', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;

    const first = await one.attach(staticConf(one, [two], stretched));
    const second = await two.attach(staticConf(two, [one], stretched));

    expect([first.addresses, second.addresses]).toEqual([['10.5.1.2'], ['10.5.2.2']]);
    expect(await reaches(first, second)).toBe(true);
    expect(await neighbourOf(first, second)).toBe((await linkOf(second.netns, 'eth0')).address);
    expect([await defaultGatewayOf(first), await defaultGatewayOf(second)]).toEqual(['10.5.1.1', '10.5.2.1']);
  });

  test('over both families, between three hosts', async () => {
    await using cluster = await createStaticHosts();
    const containers = await Promise.all(
      cluster.hosts.map((host) => {
        const others = cluster.hosts.filter((other) => other !== host);
        return host.attach(dualStaticConf(host, others, stretched));
      }),
    );

    const pairs = containers.flatMap((from) =>
      containers.filter((to) => to !== from).map((to) => [from, to]),
    );
    const echoes = await Promise.all(pairs.map(([from, to]) => from && to && reaches(from, to)));

    expect(echoes).toEqual(Array(6).fill(true));
  });

  test('a broadcast arrives on every host, once', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    const first = await one.attach(staticConf(one, [two], stretched));
    const second = await two.attach(staticConf(two, [one], stretched));
    const { address: mac } = await linkOf(first.netns, 'eth0');
    const sender = { kind: 'ipv4', mac, ip: first.addresses[0] ?? '' } as const;

    const marks = await framesThatArrive(
      { from: first.netns, to: second.netns },
      [{ ...sender, mark: 'to everybody' }],
      sender,
    );

    expect(marks).toEqual(['to everybody']);
  });

  test('a packet for a MAC that no device has learned yet arrives', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    const first = await one.attach(staticConf(one, [two], stretched));
    const second = await two.attach(staticConf(two, [one], stretched));
    const { address: mac } = await linkOf(second.netns, 'eth0');
    const known = [
      'neigh',
      'replace',
      second.addresses[0] ?? '',
      'lladdr',
      mac,
      'nud',
      'permanent',
      'dev',
      'eth0',
    ];
    await mustInside(first.netns, 'ip', ...known);
    for (const table of [['master'], ['self', 'dst', two.address]])
      await mustInside(one.netns, 'bridge', 'fdb', 'del', mac, 'dev', 'vxlan.1', ...table);
    expect(await mustInside(one.netns, 'bridge', 'fdb', 'show')).not.toContain(mac);

    expect(await reaches(first, second)).toBe(true);
    expect(await mustInside(one.netns, 'bridge', 'fdb', 'show')).toContain(mac);
  });

  test('the device is a port again when the bridge was removed, or the device taken off it', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    await one.attach(staticConf(one, [two], stretched));
    const second = await two.attach(staticConf(two, [one], stretched));

    for (const line of ['ip link del cni0', 'ip link set vxlan.1 nomaster']) {
      await mustInside(one.netns, ...line.split(' '));
      const next = await one.attach(staticConf(one, [two], stretched));
      expect(await reaches(next, second), line).toBe(true);
    }
  });

  test('CHECK finds that the device is no port of the bridge, or has lost a peer', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    const conf = staticConf(one, [two], stretched);
    const container = await one.rig.container();
    const check = await checking(one, conf, container);
    const sound = await check();

    await mustInside(one.netns, 'ip', 'link', 'set', 'vxlan.1', 'nomaster');
    const loose = await check();
    await mustInside(one.netns, 'ip', 'link', 'set', 'vxlan.1', 'master', 'cni0');
    await mustInside(
      one.netns,
      'bridge',
      'fdb',
      'del',
      '00:00:00:00:00:00',
      'dev',
      'vxlan.1',
      'dst',
      two.address,
    );
    const alone = await check();

    expect(sound.stdout).toBe('');
    expect(loose.error).toMatchObject({ code: 999, msg: expect.stringContaining('vxlan.1') });
    expect(alone.error).toMatchObject({ code: 999, msg: expect.stringContaining(two.address) });
  });
});

describe('with agents', () => {
  test('each host leases its share, its containers reach those of the others, and a host that joins, too', async () => {
    await using cluster = await createOverlay({ hosts: 3, network: dualNetwork() }, stretched);
    const [one, two, three] = cluster.hosts as [Host, Host, Host];
    await knowEachOther(cluster);

    const containers = [await one.add(), await two.add(), await three.add()] as const;
    const [first, second, third] = containers;

    await until(() => reaches(first, second), 'the first two');
    expect(await Promise.all([reaches(third, first), reaches(second, third)])).toEqual([true, true]);
    const gateways = await Promise.all(containers.map(defaultGatewayOf));
    expect(new Set(gateways).size).toBe(3);
    expect((await linkOf(one.netns, 'vxlan.1')).master).toBe('cni0');
    expect((await linkOf(first.netns, 'eth0')).mtu).toBe(1450);
    await using _server = await startSourceServer(second.netns);
    expect(await sourceSeenBy(second.addresses[0] ?? '', first.netns)).toBe(first.addresses[0]);
  });

  test('the device is put back to its bridge, and what floods to a peer is put back', async () => {
    await using cluster = await createOverlay({ hosts: 2 }, stretched);
    const [one, two] = [cluster.host(1), cluster.host(2)];
    const [first, second] = [await one.add(), await two.add()];
    await until(() => reaches(first, second), 'an echo');

    for (const line of [
      'ip link set vxlan.1 nomaster',
      `bridge fdb del 00:00:00:00:00:00 dev vxlan.1 dst ${two.address}`,
      'ip link del vxlan.1',
    ]) {
      const { drift } = await statusOf(one);
      await mustInside(one.netns, ...line.split(' '));
      const brokenAt = performance.now();
      await until(async () => (await statusOf(one)).drift.repairs > drift.repairs, line);
      console.log(`"${line}" was repaired in ${Math.round(performance.now() - brokenAt)} ms`);
      expect(performance.now() - brokenAt).toBeLessThan(1_000);
      await until(() => reaches(first, second), `an echo after ${line}`);
    }
  });

  test('ADD answers code 11 while the device is away, and joins it to the bridge when it is back', async () => {
    await using cluster = await createOverlay({ hosts: 2 }, stretched);
    const [one, two] = [cluster.host(1), cluster.host(2)];
    await one.stopAgent();
    await mustInside(one.netns, 'ip', 'link', 'del', 'vxlan.1');

    const without = await one.rig.cni('ADD', one.conf(), await one.rig.container());
    await startOverlay(one, stretched);
    await until(async () => (await statusOf(one)).peers.length === 1, 'the peer');
    await until(async () => (await linkNames(one.netns)).includes('vxlan.1'), 'the device');
    const [first, second] = [await one.add(), await two.add()];

    expect(without.error).toMatchObject({ code: 11, msg: expect.stringContaining('vxlan.1') });
    await until(() => reaches(first, second), 'an echo');
  });
});

/** The MAC that a container has found out another one's. */
async function neighbourOf(from: Attached, to: Attached): Promise<string | undefined> {
  const text = await mustInside(from.netns, 'ip', 'neigh', 'show', to.addresses[0] ?? '', 'dev', 'eth0');
  return /lladdr (\S+)/.exec(text)?.[1];
}

async function defaultGatewayOf({ netns }: Attached): Promise<string | undefined> {
  return /via (\S+)/.exec(await mustInside(netns, 'ip', 'route', 'show', 'default'))?.[1];
}

/** Attaches a container. @returns what calls CHECK for it */
async function checking(host: Host, conf: Conf, container: string) {
  const prevResult = await host.rig.add(conf, container);
  return () => host.rig.cni('CHECK', { ...conf, prevResult }, container);
}
