import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isResident } from '../support/binaries.ts';
import { reaches } from '../support/cluster.ts';
import type { Host } from '../support/cluster-host.ts';
import { addressesOf, linkNames, linkOf, listRoutes } from '../support/kernel.ts';
import { mustInside, tryInside } from '../support/process.ts';
import type { Conf } from '../support/rig.ts';
import { skipUnless } from '../support/skip.ts';
import {
  createStaticHosts,
  dualStaticConf,
  type StaticHosts,
  staticConf,
  subnetOf,
} from '../support/static-overlay.ts';
import { sourceSeenBy, startSourceServer } from '../support/traffic.ts';

// An overlay without agent and store: the configuration names the peers, and ADD makes the way to them.

test('containers of two hosts reach each other, and each sees the other’s own address', async () => {
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;

  const first = await one.attach(staticConf(one, [two]));
  const second = await two.attach(staticConf(two, [one]));

  expect(await reaches(first, second)).toBe(true);
  await using _server = await startSourceServer(second.netns);
  expect(await sourceSeenBy(second.addresses[0] ?? '', first.netns)).toBe(first.addresses[0]);
});

test('containers of three hosts reach each other over both families', async () => {
  await using cluster = await createStaticHosts();
  const containers = await Promise.all(
    cluster.hosts.map((host) => host.attach(dualStaticConf(host, othersOf(host, cluster.hosts)))),
  );

  const pairs = containers.flatMap((from) =>
    containers.filter((to) => to !== from).map((to) => reaches(from, to)),
  );

  expect(await Promise.all(pairs)).toEqual(Array(6).fill(true));
  expect(containers.map(({ addresses }) => addresses.length)).toEqual([2, 2, 2]);
});

test.each([
  ['IPv4', staticConf, 1450],
  ['both families', dualStaticConf, 1430],
])('a packet of the MTU crosses whole, one byte more does not: %s', async (_, confOf, mtu) => {
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;
  const first = await one.attach(confOf(one, [two]));
  const second = await two.attach(confOf(two, [one]));
  const ping = ['ping', '-c', '1', '-W', '1', '-M', 'do', second.addresses[0] ?? '', '-s'];

  const [whole, larger] = [
    await tryInside(first.netns, ...ping, `${mtu - 28}`),
    await tryInside(first.netns, ...ping, `${mtu - 27}`),
  ];

  expect([whole.status, larger.stderr]).toEqual([0, expect.stringContaining(`mtu=${mtu}`)]);
  const links = [await linkOf(first.netns, 'eth0'), await linkOf(one.netns, 'cni0')];
  expect(links.map((link) => link.mtu)).toEqual([mtu, mtu]);
});

test('with directRouting peers on the link are reached without VXLAN', async () => {
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;
  const first = await one.attach(staticConf(one, [two], { directRouting: true }));
  const second = await two.attach(staticConf(two, [one], { directRouting: true }));

  expect(await reaches(first, second)).toBe(true);
  const route = (await listRoutes(one.netns, 4)).find(({ dst }) => dst === subnetOf(two));
  expect(route).toMatchObject({ gateway: two.address, dev: 'eth0' });
});

test('the interface is that of the default route, or that with the public address, where none is named', async () => {
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;
  const unnamed = staticConf(one, [two], { interface: null });
  const container = await one.rig.container();

  const without = await one.rig.cni('ADD', unnamed, container);
  const byAddress = await one.attach({ ...unnamed, publicIP: one.address });
  await mustInside(two.netns, 'ip', 'route', 'add', 'default', 'via', one.address);
  const byRoute = await two.attach(staticConf(two, [one], { interface: null }));

  expect(without.error).toMatchObject({ code: 7, msg: expect.stringContaining('no default route') });
  expect(await reaches(byAddress, byRoute)).toBe(true);
});

describe('what the next ADD makes of it', () => {
  test('a VXLAN device that has gone is made again, with all that leads to the peers', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    const first = await one.attach(dualStaticConf(one, [two]));
    const second = await two.attach(dualStaticConf(two, [one]));
    for (const device of ['flannel.1', 'flannel-v6.1'])
      await mustInside(one.netns, 'ip', 'link', 'del', device);
    expect(await reaches(first, second)).toBe(false);

    const third = await one.attach(dualStaticConf(one, [two]));

    expect(await Promise.all([reaches(first, second), reaches(third, second)])).toEqual([true, true]);
  });

  test('a device that somebody has switched off is switched on', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    const first = await one.attach(staticConf(one, [two]));
    const second = await two.attach(staticConf(two, [one]));
    await mustInside(one.netns, 'ip', 'link', 'set', 'flannel.1', 'down');

    await one.attach(staticConf(one, [two]));

    expect(await reaches(first, second)).toBe(true);
  });

  test('a peer that was added is reached, one that was removed is not, and has left nothing', async () => {
    await using cluster = await createStaticHosts();
    const [one, two, three] = cluster.hosts;
    const first = await one.attach(staticConf(one, [two]));
    const second = await two.attach(staticConf(two, [one]));
    const third = await three.attach(staticConf(three, [one]));

    await one.attach(staticConf(one, [two, three]));
    expect(await Promise.all([reaches(first, second), reaches(first, third)])).toEqual([true, true]);

    await one.attach(staticConf(one, [three]));
    expect(await Promise.all([reaches(first, second), reaches(first, third)])).toEqual([false, true]);
    expect(await entriesFor(one, two)).toEqual([]);
  });

  test.each([
    ['another VNI', { vni: 5 }],
    ['another port', { port: 4789 }],
    ['another MTU of the underlay', {}],
  ])('with %s the device is made as it is to be, and the old one goes', async (what, changes) => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    const first = await one.attach(staticConf(one, [two]));
    const second = await two.attach(staticConf(two, [one]));
    if (what.includes('MTU')) await mustInside(one.netns, 'ip', 'link', 'set', 'eth0', 'mtu', '1400');

    await one.attach(staticConf(one, [two], changes));
    await two.attach(staticConf(two, [one], changes));

    expect(await reaches(first, second)).toBe(true);
    expect((await linkNames(one.netns)).filter((name) => name.startsWith('flannel'))).toHaveLength(1);
  });

  test('a bridge that has gone is made again, and the older containers join no more', async () => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    await one.attach(staticConf(one, [two]));
    const second = await two.attach(staticConf(two, [one]));
    await mustInside(one.netns, 'ip', 'link', 'del', 'cni0');

    const next = await one.attach(staticConf(one, [two]));

    expect(await reaches(next, second)).toBe(true);
    expect(addressesOf(await linkOf(one.netns, 'cni0'))).toEqual(['10.5.1.1/24']);
  });
});

describe('CHECK', () => {
  let shared: StaticHosts;
  beforeAll(async () => {
    shared = await createStaticHosts();
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  const damages: Record<string, { readonly line: string; readonly says: RegExp }> = {
    'a route is missing': { line: 'ip route del 10.5.2.0/24', says: /10\.5\.2\.0\/24/ },
    'a neighbour is missing': { line: 'ip neigh flush dev flannel.1 nud permanent', says: /10\.5\.2\.0/ },
    'a forwarding entry is missing': {
      line: 'bridge fdb flush dev flannel.1',
      says: /192\.0\.2\.2/,
    },
    'the device is missing': { line: 'ip link del flannel.1', says: /flannel\.1/ },
    'the device is down': { line: 'ip link set flannel.1 down', says: /flannel\.1/ },
    'the device has lost its address': { line: 'ip addr flush dev flannel.1', says: /10\.5\.1\.0/ },
    'the device has another MTU': { line: 'ip link set flannel.1 mtu 1280', says: /1450/ },
    'the device has another MAC': {
      line: 'ip link set flannel.1 address 02:00:00:00:00:99',
      says: /flannel\.1/,
    },
  };

  test.each(Object.entries(damages))(
    'finds that %s, and what it advises helps',
    async (_, { line, says }) => {
      await using cluster = await createStaticHosts();
      const [one, two] = cluster.hosts;
      const conf = staticConf(one, [two]);
      const container = await one.rig.container();
      const prevResult = await one.rig.add(conf, container);
      const check = () => one.rig.cni('CHECK', { ...conf, prevResult }, container);
      const sound = await check();
      const [tool = '', ...args] = line.split(' ');
      await mustInside(one.netns, tool, ...args);

      const damaged = await check();

      expect([sound.status, damaged.status]).toEqual([0, 1]);
      expect(damaged.error).toMatchObject({ code: 999, msg: expect.stringMatching(says) });
      await tryInside(one.netns, 'ip', 'link', 'del', 'flannel.1');
      await one.attach(conf);
      expect((await check()).stdout).toBe('');
    },
  );
});

describe('is refused with code 7, and leaves nothing', () => {
  test.each<[string, string, Conf, RegExp]>([
    ['an underlay whose MTU leaves too little', 'ip link set eth0 mtu 625', {}, /raise the MTU/],
    [
      'a VXLAN device of somebody else with the same VNI and port',
      'ip link add name vx0 type vxlan id 1 dstport 8472 dev eth0 local 192.0.2.1',
      {},
      /vx0 has VNI 1 and UDP port 8472/,
    ],
    [
      'a peer that is this host',
      'true',
      { peers: [{ publicIP: '192.0.2.1', subnet: '10.5.9.0/24' }] },
      /own/,
    ],
  ])('%s', async (_, line, changes, says) => {
    await using cluster = await createStaticHosts();
    const [one, two] = cluster.hosts;
    await mustInside(one.netns, ...line.split(' '));
    const before = await linkNames(one.netns);

    const { error } = await one.rig.cni('ADD', staticConf(one, [two], changes), await one.rig.container());

    expect(error).toMatchObject({ code: 7, msg: expect.stringMatching(says) });
    expect([await linkNames(one.netns), one.rig.leases('overlay')]).toEqual([before, {}]);
  });
});

test('DEL and GC need neither the peers nor the interface of the underlay, and leave the other containers their way', async () => {
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;
  const conf = staticConf(one, [two]);
  const [gone, stays] = [await one.attach(conf), await one.attach(conf)];
  const second = await two.attach(staticConf(two, [one]));

  await one.rig.del({ ...conf, peers: [{}], interface: 'eth7', subnet: 'nonsense' }, gone.netns);

  expect([await linkNames(gone.netns), await reaches(stays, second)]).toEqual([[], true]);
  const valid = { 'cni.dev/valid-attachments': [] };
  const gc = await one.rig.cni('GC', { ...conf, interface: 'eth7', ...valid }, '');
  expect([gc.status, gc.stdout, one.rig.leases('overlay')]).toEqual([0, '', {}]);
});

test('an ADD on a host that has its overlay starts few processes more than bridge does', async (context) => {
  skipUnless(context, !isResident, 'an agent changes links and rules without a process');
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;
  const bridged = {
    cniVersion: '1.1.0',
    name: 'net',
    type: 'bridge',
    bridge: 'br0',
    isDefaultGateway: true,
    ipMasq: true,
  };
  const ipam = { type: 'host-local', dataDir: one.rig.dataDir, subnet: '10.22.0.0/24' };
  const counts: Record<string, number[]> = {};

  for (const [what, conf] of Object.entries({
    bridge: { ...bridged, ipam },
    'static, IPv4': staticConf(one, [two]),
    'static, both families': dualStaticConf(one, [two], { name: 'dual', bridge: 'cni1', vni: 2 }),
  }))
    counts[what] = [await processesOf(one, conf), await processesOf(one, conf)];

  console.log('processes of a first and of a second ADD:', JSON.stringify(counts));
  const second = (what: string) => counts[what]?.[1] ?? Number.NaN;
  expect(second('static, IPv4') - second('bridge')).toBeLessThanOrEqual(2);
  expect(second('static, both families') - second('bridge')).toBeLessThanOrEqual(3);
});

/** How many processes an ADD starts. */
async function processesOf(host: Host, conf: Conf): Promise<number> {
  const env = { FAIRLEAD_TIMINGS: '1' };
  const { status, stdout, stderr } = await host.rig.cni('ADD', conf, await host.rig.container(), { env });
  expect([status, stdout]).toEqual([0, expect.stringContaining('"ips"')]);
  const parts = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly what: string });
  return parts.filter(({ what }) => what !== 'start' && what !== 'whole').length;
}

function othersOf(host: Host, hosts: readonly Host[]): readonly Host[] {
  return hosts.filter((other) => other !== host);
}

/** Whatever a host's kernel still has of another one. */
async function entriesFor(host: Host, other: Host): Promise<readonly string[]> {
  const texts = await Promise.all([
    mustInside(host.netns, 'ip', 'route', 'show'),
    mustInside(host.netns, 'ip', 'neigh', 'show', 'dev', 'flannel.1'),
    mustInside(host.netns, 'bridge', 'fdb', 'show', 'dev', 'flannel.1'),
  ]);
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.includes(other.address) || line.includes(`10.5.${other.number}.`));
}
