import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../lib/net/address.ts';
import { networkAddress } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { vxlanConflict } from '../../lib/overlay/kernel/conflict.ts';
import { vtepMac } from '../../lib/overlay/kernel/mtu.ts';
import { peersOf } from '../../lib/overlay/kernel/peers.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import { wishOf } from '../../lib/overlay/kernel/wish.ts';
import { linkOf } from '../support/kernel.ts';
import { linkHosts, OverlayHost } from '../support/overlay-host.ts';
import { cidr, lease, linesOf, plainRules, plane, publicAddress, subnet } from '../support/overlay-planes.ts';
import { walk } from '../support/overlay-walk.ts';
import { inside, must, tryInside } from '../support/process.ts';
import { Random } from '../support/random.ts';
import { Rig } from '../support/rig.ts';
import { canPing } from '../support/traffic.ts';

// Plans of planes carried out in the kernels of hosts that are linked by an underlay.

const direct = { ...plainRules, directRouting: true };

/** The address by which a host's kernel is reached through the overlay. */
const overlayAddress = (own: Plane) => formatAddress(networkAddress(own.subnet));

describe.each([
  ['waiting', 4],
  ['waiting', 6],
  ['beside', 4],
  ['beside', 6],
] as const)('%s, over IPv%i', (manner, family) => {
  test('two hosts reach each other, and then there is nothing left to do', async () => {
    await using rig = await Rig.create();
    const [one, two] = await linkHosts(rig, manner);
    const [first, second] = [plane(1, { family }), plane(2, { family })];

    await one.follow(first, [lease(2, {}, family)]);
    await two.follow(second, [lease(1, {}, family)]);

    expect(await canPing(one.netns, overlayAddress(second))).toBe(true);
    expect(await canPing(two.netns, overlayAddress(first))).toBe(true);
    expect(await one.plan(first, [lease(2, {}, family)])).toEqual([]);
  });
});

describe('what is damaged', () => {
  const damages: Record<string, readonly string[]> = {
    'a route': ['ip route del 10.5.2.0/24'],
    'a neighbour': ['ip neigh del 10.5.2.0 dev flannel.1'],
    'a neighbour’s MAC': ['ip neigh replace 10.5.2.0 lladdr 02:00:00:00:00:66 nud permanent dev flannel.1'],
    'a forwarding entry': [`bridge fdb del ${vtepMac(1, publicAddress(2))} dev flannel.1`],
    'a forwarding entry’s host': [
      `bridge fdb replace ${vtepMac(1, publicAddress(2))} dev flannel.1 dst 192.0.2.66 self permanent`,
    ],
    'the device': ['ip link del dev flannel.1'],
    'the device’s address': ['ip addr flush dev flannel.1'],
    'the device’s MAC': ['ip link set dev flannel.1 address 02:00:00:00:00:67'],
    'the device’s MTU': ['ip link set dev flannel.1 mtu 1280'],
    'the device’s state': ['ip link set dev flannel.1 down'],
    'the device’s settings': [
      'ip link del dev flannel.1',
      'ip link add name flannel.1 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 4789 learning',
    ],
    'the device’s kind of life': ['ip link add name br0 type bridge', 'ip link set dev flannel.1 master br0'],
  };

  test.each(Object.entries(damages))('is repaired: %s', async (_, lines) => {
    await using rig = await Rig.create();
    const [one, two] = await linkHosts(rig);
    await one.follow(plane(1), [lease(2)]);
    await two.follow(plane(2), [lease(1)]);
    for (const line of lines) {
      const [tool = '', ...args] = line.split(' ');
      expect(await tryInside(one.netns, tool, ...args)).toMatchObject({ status: 0 });
    }

    const done = await one.follow(plane(1), [lease(2)]);

    expect(done).not.toEqual([]);
    expect(await one.plan(plane(1), [lease(2)])).toEqual([]);
    expect(await canPing(one.netns, '10.5.2.0')).toBe(true);
  });
});

test.each([
  [4, 'via 192.0.2.2 dev eth0'],
  [6, 'via 2001:db8:5::2 dev eth0'],
] as const)('over IPv%i direct routing is switched on and off again', async (family, expected) => {
  await using rig = await Rig.create();
  const [one] = await linkHosts(rig);
  const own = plane(1, { family });
  const route = () => one.ip(`-${family} route get ${formatAddress(subnet(2, family).address)}`);
  await one.follow(own, [lease(2, {}, family)]);

  await one.follow(own, [lease(2, {}, family)], direct);
  expect(await route()).toContain(expected);
  expect(await one.plan(own, [lease(2, {}, family)], direct)).toEqual([]);

  await one.follow(own, [lease(2, {}, family)]);
  expect(await route()).toContain(`dev ${own.device}`);
  expect(await one.plan(own, [lease(2, {}, family)])).toEqual([]);
});

test.each([4, 6] as const)(
  'a subnet of IPv%i that a bridge still has, though another host leases it, is reached there',
  async (family) => {
    await using rig = await Rig.create();
    const [one] = await linkHosts(rig);
    const gateway = family === 4 ? '10.5.1.1/24 dev cni0' : 'fd00:5:0:1::1/64 dev cni0 nodad';
    await one.ip('link add name cni0 type bridge');
    await one.ip('link set dev cni0 up');
    await one.ip(`addr add ${gateway}`);
    await one.follow(plane(1, { family }), []);
    const moved = plane(1, { family, subnet: subnet(7, family) });
    const taken = lease(2, { subnet: subnet(1, family) }, family);

    await one.follow(moved, [taken]);

    const container = family === 4 ? '10.5.1.77' : 'fd00:5:0:1::77';
    expect(await one.ip(`-${family} route get ${container}`)).toContain(`dev ${moved.device}`);
    expect(await one.plan(moved, [taken])).toEqual([]);
  },
);

test('a bridge has its subnet again when the other host has given it back', async () => {
  await using rig = await Rig.create();
  const [one] = await linkHosts(rig);
  await one.ip('link add name cni0 type bridge');
  await one.ip('link set dev cni0 up');
  await one.ip('addr add 10.5.1.1/24 dev cni0');
  const taken = lease(2, { subnet: subnet(1) });
  await one.follow(plane(1, { subnet: subnet(7) }), [taken]);
  await one.follow(plane(1, { subnet: subnet(7) }), [taken], direct);
  expect(await one.ip('route get 10.5.1.77')).toContain('via 192.0.2.2 dev eth0');

  await one.follow(plane(1), [lease(2)]);

  expect(await one.ip('route get 10.5.1.77')).toContain('dev cni0');
  expect(await one.ip('route show 10.5.1.0/24')).toBe(
    '10.5.1.0/24 dev cni0 proto kernel scope link src 10.5.1.1 \n',
  );
});

describe('what an agent has made', () => {
  const [v4, v6] = [plane(1), plane(1, { family: 6 })];
  const leases = [lease(2), lease(2, {}, 6)];
  const ours = async (one: OverlayHost) =>
    `${await one.ip('-4 -N route show proto 76')}${await one.ip('-6 -N route show proto 76')}`;

  test.each<[string, readonly Plane[], RegExp]>([
    ['IPv6 is switched off', [v4], /^10\.5\.2\.0\/24 via 192\.0\.2\.2 dev eth0 \n$/],
    [
      'the overlay has another network',
      [plane(1, { network: cidr('10.6.0.0/16'), subnet: cidr('10.6.1.0/24') })],
      /^$/,
    ],
    ['it becomes one segment', [plane(1, { mode: 'l2', device: 'vxlan.1' as IfName })], /^$/],
    ['there is no plane left', [], /^$/],
  ])('goes when %s, and what a plugin has made for static peers stays', async (_, planes, left) => {
    await using rig = await Rig.create();
    const [one] = await linkHosts(rig);
    await one.ip('link add name flannel.9 type vxlan id 9 dev eth0 local 192.0.2.1 dstport 8479 nolearning');
    await one.ip('link set dev flannel.9 alias fairlead/overlay/net/0123456789abcdef up');
    await one.ip('route add 10.9.2.0/24 via 10.9.2.0 dev flannel.9 onlink proto 77');
    await one.ip('route add 10.9.3.0/24 via 192.0.2.3 dev eth0 proto 77');
    await one.reconcile([v4, v6], leases, direct);

    const { problems } = await one.reconcile(planes, leases, direct);

    expect(problems).toEqual([]);
    expect(await ours(one)).toMatch(left);
    const devices = (await one.ip('-br link show type vxlan')).match(/^\S+/gm);
    expect(devices?.toSorted()).toEqual(['flannel.9', ...planes.map(({ device }) => device)].toSorted());
    expect(await one.ip('-N route show proto 77')).toBe(
      '10.9.2.0/24 via 10.9.2.0 dev flannel.9 onlink \n10.9.3.0/24 via 192.0.2.3 dev eth0 \n',
    );
    expect(await one.reconcile(planes, leases, direct)).toEqual({ done: [], problems: [] });
  });
});

describe('a device of mode l2', () => {
  const stretched = (bridge: string | undefined) =>
    plane(1, { mode: 'l2', device: 'vxlan.1' as IfName, bridge: bridge as IfName | undefined });
  const masterOf = async (one: OverlayHost) => (await linkOf(one.netns, 'vxlan.1')).master;

  test('stays in the bridge that a plugin has put it into, while hosts come and go', async () => {
    await using rig = await Rig.create();
    const [one] = await linkHosts(rig);
    for (const bridge of ['cni0', 'mynet0']) await one.ip(`link add name ${bridge} type bridge`);
    await one.reconcile([stretched(undefined)], [lease(2)]);
    await one.ip('link set dev vxlan.1 master mynet0');

    expect(await one.reconcile([stretched(undefined)], [lease(2)])).toEqual({ done: [], problems: [] });
    const { problems } = await one.reconcile([stretched('cni0')], [lease(3)]);

    expect(await masterOf(one)).toBe('mynet0');
    expect(problems).toEqual([expect.stringContaining('"overlay.bridge" is cni0')]);
    expect(await one.bridge('fdb show dev vxlan.1')).toContain('dst 192.0.2.3');
  });

  test('learns no more MACs than it can bear, and has room for hosts all the same', async () => {
    await using rig = await Rig.create();
    const [one] = await linkHosts(rig);
    await one.reconcile([stretched(undefined)], [lease(2)]);
    expect(await one.ip('-d link show dev vxlan.1')).toContain('maxaddr 16384');
    const macs = Array.from({ length: 16_384 }, (_, index) => index.toString(16).padStart(4, '0'));
    const lines = macs.map(
      (mac) =>
        `fdb add 02:00:00:01:${mac.slice(0, 2)}:${mac.slice(2)} dev vxlan.1 dst 192.0.2.2 self dynamic`,
    );
    const learning = must('nsenter', inside(one.netns, 'bridge', '-batch', '-'), lines.join('\n'));
    await expect(learning).rejects.toThrow('No space left on device');

    const { problems } = await one.reconcile([stretched(undefined)], [lease(2), lease(3)]);

    expect(problems).toEqual([]);
    expect(await one.bridge('fdb show dev vxlan.1')).toContain('dst 192.0.2.3');
  });
});

test('in mode l2 two bridges are one segment, and what the devices learn is left alone', async () => {
  await using rig = await Rig.create();
  const [one, two] = await linkHosts(rig);
  const stretched = (host: number) =>
    plane(host, { mode: 'l2', device: 'vxlan.1' as IfName, bridge: 'cni0' as IfName });
  for (const [index, host] of [one, two].entries()) {
    await host.ip('link add name cni0 type bridge');
    await host.ip(`addr add 10.77.0.${index + 1}/24 dev cni0`);
    await host.ip('link set dev cni0 up');
  }

  await one.follow(stretched(1), [lease(2), lease(3)]);
  await two.follow(stretched(2), [lease(1)]);

  expect(await canPing(one.netns, '10.77.0.2')).toBe(true);
  expect(await one.bridge('fdb show dev vxlan.1')).toContain((await linkOf(two.netns, 'cni0')).address);
  expect(await one.plan(stretched(1), [lease(2), lease(3)])).toEqual([]);
  await one.follow(stretched(1), [lease(2)]);
  expect(await one.bridge('fdb show dev vxlan.1')).not.toContain('192.0.2.3');
  expect(await canPing(one.netns, '10.77.0.2')).toBe(true);
});

test('a device that flanneld has left is taken over as it is, and its routes with it', async () => {
  await using rig = await Rig.create();
  const [one] = await linkHosts(rig);
  const { mac } = plane(1);
  const before = '02:00:00:00:00:31';
  await one.ip(
    `link add name flannel.1 mtu 1450 address ${mac} type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning`,
  );
  await one.ip('addr add 10.5.1.0/32 dev flannel.1');
  await one.ip('link set dev flannel.1 up');
  for (const host of [2, 3]) {
    await one.ip(`neigh replace 10.5.${host}.0 lladdr ${before} nud permanent dev flannel.1`);
    await one.bridge(`fdb replace ${before} dev flannel.1 dst 192.0.2.${host} self permanent`);
    await one.ip(`route replace 10.5.${host}.0/24 via 10.5.${host}.0 dev flannel.1 onlink`);
  }
  const index = await one.ip('-o link show dev flannel.1');

  await one.follow(plane(1), [lease(2)]);

  expect((await one.ip('-o link show dev flannel.1')).split(':')[0]).toBe(index.split(':')[0]);
  expect(await one.ip('route show dev flannel.1')).toBe('10.5.2.0/24 via 10.5.2.0 proto 76 onlink \n');
  expect(await one.bridge('fdb show dev flannel.1')).not.toContain(before);
});

test('routes of others stay, within the overlay’s network, on the underlay and on the device', async () => {
  await using rig = await Rig.create();
  const [one] = await linkHosts(rig);
  await one.follow(plane(1), [lease(2), lease(3)], direct);
  await one.ip('route add 10.5.200.0/24 via 192.0.2.99 dev eth0');
  await one.ip('route add 10.99.0.0/16 via 10.5.3.0 dev flannel.1 onlink proto static');
  await one.ip('route add 172.31.0.0/16 via 192.0.2.99 dev eth0 proto 76');

  await one.follow(plane(1), []);

  const routes = await one.ip('route show');
  expect(routes).toContain('10.5.200.0/24 via 192.0.2.99');
  expect(routes).toContain('10.99.0.0/16 via 10.5.3.0');
  expect(routes).toContain('172.31.0.0/16 via 192.0.2.99');
  expect(routes).not.toMatch(/^10\.5\.[23]\.0/m);
});

test.each([
  ['type vxlan id 1 dev eth0 dstport 8472', 'has VNI 1 and UDP port 8472 already'],
  ['type vxlan external dstport 8472', '(external)'],
  ['type vxlan id 9 dev eth0 dstport 8472 gbp', '(gbp)'],
])(
  'the kernel refuses a plane beside a device of %s, and the sentence says why',
  async (settings, because) => {
    await using rig = await Rig.create();
    const [one] = await linkHosts(rig);
    await one.ip(`link add name other0 ${settings}`);
    await one.ip('link set dev other0 up');

    const { vxlans } = await one.observe(plane(1));

    expect(vxlanConflict(vxlans, plane(1))).toContain(because);
    await expect(one.follow(plane(1), [])).rejects.toThrow(/flannel\.1/);
  },
);

test('the kernel has no quarrel with a device of another VNI, of IPv6, or on another port', async () => {
  await using rig = await Rig.create();
  const [one] = await linkHosts(rig);
  const others = [
    'id 2 dev eth0 local 192.0.2.1 dstport 8472',
    'id 1 dev eth0 local 2001:db8:5::1 dstport 8472',
    'id 1 dev eth0 local 192.0.2.1 dstport 4789 gbp',
  ];
  for (const [index, settings] of others.entries()) {
    await one.ip(`link add name other${index} type vxlan ${settings}`);
    await one.ip(`link set dev other${index} up`);
  }

  await one.follow(plane(1), [lease(2)]);

  expect(vxlanConflict((await one.observe(plane(1))).vxlans, plane(1))).toBeUndefined();
  expect(await one.plan(plane(1), [lease(2)])).toEqual([]);
});

test.each([4, 6] as const)(
  'over IPv%i the kernel ends as wished in whatever order things happen',
  async (family) => {
    await using rig = await Rig.create();
    const [one] = await linkHosts(rig);
    const random = new Random();
    for (const { plane: own, leases, rules } of walk(random, plane(1, { family }), 25)) {
      const wish = wishOf(own, peersOf(own, leases, rules).peers);

      await one.follow(own, leases, rules);

      const left = await one.observe(own);
      expect(linesOf(left), `seed ${random.seed}`).toEqual(linesOf(wish));
      expect(await one.plan(own, leases, rules), `seed ${random.seed}`).toEqual([]);
    }
  },
);

test.each(['waiting', 'beside'] as const)(
  '200 peers come and go with three processes each, %s',
  async (manner) => {
    await using rig = await Rig.create();
    const [{ netns }] = await linkHosts(rig);
    const one = new OverlayHost(netns, manner);
    await one.follow(plane(1), []);
    const leases = Array.from({ length: 200 }, (_, index) => lease(index + 2));

    for (const wanted of [leases, []]) {
      const plan = await one.plan(plane(1), wanted);
      one.processes = 0;
      const began = performance.now();
      await one.apply(plan);
      const took = performance.now() - began;
      console.log(
        `${manner}: from ${200 - wanted.length} to ${wanted.length} peers in ${took.toFixed(0)} ms`,
      );

      expect(one.processes).toBe(3);
      expect(took).toBeLessThan(5_000);
      expect(await one.plan(plane(1), wanted)).toEqual([]);
    }
  },
);

test('a line that fails is told by itself, and the others are carried out', async () => {
  await using rig = await Rig.create();
  const [one] = await linkHosts(rig);
  const plan = await one.plan(plane(1), [lease(2)]);
  const broken = plan.flatMap((step) =>
    step.operation.kind === 'set-alias'
      ? [{ place: 'host', operation: { kind: 'set-up', name: 'nowhere0' as IfName } } as const, step]
      : [step],
  );

  await expect(one.apply(broken)).rejects.toThrow(/^setting nowhere0 up: /);

  expect(await one.plan(plane(1), [lease(2)])).toEqual([]);
});
