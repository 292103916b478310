import { describe, expect, test } from 'vitest';
import type { VxlanLink } from '../../../lib/iproute/parse-vxlan.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { peersOf } from '../../../lib/overlay/kernel/peers.ts';
import { planPlane } from '../../../lib/overlay/kernel/plan.ts';
import type { Plane } from '../../../lib/overlay/kernel/plane.ts';
import { type PlaneWish, wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { groupSteps } from '../../../lib/plan/batch.ts';
import type { Plan } from '../../../lib/plan/operation.ts';
import {
  address,
  bareKernel,
  cidr,
  kernelWith,
  lease,
  linesOf,
  plainRules,
  plane,
} from '../../support/overlay-planes.ts';
import { walk } from '../../support/overlay-walk.ts';
import { Random } from '../../support/random.ts';
import { KernelModel } from './kernel-model.ts';

const wishFor = (own: Plane, ...hosts: readonly number[]): PlaneWish =>
  wishOf(
    own,
    peersOf(
      own,
      hosts.map((host) => lease(host, {}, own.family)),
      plainRules,
    ).peers,
  );

const kinds = (plan: Plan) => plan.map(({ operation }) => operation.kind);

describe.each([
  ['of IPv4', plane(1)],
  ['of IPv6', plane(1, { family: 6 })],
  ['of layer 2', plane(1, { mode: 'l2', device: 'vxlan.1' as IfName, bridge: 'cni0' as IfName })],
])('a plane %s', (_, own) => {
  test('that is as wished is left alone', () => {
    const wish = wishFor(own, 2, 3);

    expect(planPlane(wish, kernelWith(wish))).toEqual([]);
  });

  test('ends as wished from wherever it is, and then nothing is left to do', () => {
    const random = new Random();
    const kernel = new KernelModel();
    for (const { plane: current, leases, rules } of walk(random, own, 300)) {
      damage(kernel, random);
      const wish = wishOf(current, peersOf(current, leases, rules).peers);

      kernel.apply(planPlane(wish, kernel.observe()));

      const left = kernel.observe();
      expect(linesOf(left), `seed ${random.seed}`).toEqual(linesOf(wish));
      expect(planPlane(wish, left), `seed ${random.seed}`).toEqual([]);
    }
  });
});

/** Does to the kernel's state what an operator, another program or a restart may do. */
function damage(kernel: KernelModel, random: Random): void {
  const { device } = kernel;
  if (device === undefined) return;
  const ways: readonly (() => void)[] = [
    () => undefined,
    () => kernel.deleteDevice(),
    () => kernel.setDown(),
    () => kernel.neighbours.delete(random.pick([...kernel.neighbours.keys(), ''])),
    () => kernel.fdb.delete(random.pick([...kernel.fdb.keys(), ''])),
    () => kernel.flood.delete(random.pick([...kernel.flood.keys(), ''])),
    () => kernel.routes.delete(random.pick([...kernel.routes.keys(), ''])),
    () => kernel.flood.set('192.0.2.99', { device: device.name as IfName, dst: address('192.0.2.99') }),
    () => {
      kernel.device = { ...device, addresses: [], alias: 'mine', mtu: 1280 };
    },
    () => {
      kernel.device = { ...device, mac: '02:00:00:00:00:aa' };
    },
  ];
  random.pick(ways)();
}

describe('a device', () => {
  const wish = wishFor(plane(1), 2);
  const found = kernelWith(wish);
  const planFor = (changes: Partial<VxlanLink>) =>
    kinds(planPlane(wish, { ...found, device: found.device && { ...found.device, ...changes } }));
  const planForSettings = (settings: Partial<VxlanLink['vxlan']>) =>
    planFor({ ...(found.device && { vxlan: { ...found.device.vxlan, ...settings } }) });

  test.each<[string, Partial<VxlanLink['vxlan']>]>([
    ['VNI', { vni: 2 }],
    ['port', { port: 4789 }],
    ['local address', { local: address('192.0.2.9') }],
    ['local address of none', { local: undefined }],
    ['underlay', { outer: 'eth1' }],
    ['learning', { learning: true }],
    ['limit of what it learns', { maxAddresses: 7 }],
    ['default remote', { remote: address('192.0.2.9') }],
    ['way of receiving', { receiving: ['gbp'] }],
  ])('of another %s is made anew, with all that goes by it', (_, settings) => {
    expect(planForSettings(settings)).toEqual([
      ...['delete-link', 'add-vxlan', 'set-alias', 'set-sysctl', 'add-address', 'set-up'],
      ...['replace-neighbour', 'replace-fdb', 'prepend-route'],
    ]);
  });

  test.each<[string, Partial<VxlanLink>, readonly string[]]>([
    ['MTU', { mtu: 1400 }, ['set-mtu']],
    ['alias', { alias: '' }, ['set-alias']],
    ['bridge', { master: 'br0' }, ['unset-master']],
    ['state', { isUp: false }, ['set-up']],
    ['address', { addresses: [cidr('10.5.9.0/32')] }, ['add-address', 'delete-address']],
    ['prefix length', { addresses: [cidr('10.5.1.0/24')] }, ['add-address', 'delete-address']],
  ])('of another %s is corrected', (_, changes, expected) => {
    expect(planFor(changes)).toEqual(expected);
  });

  test('of another MAC is corrected, and gets the neighbours back that the kernel then forgets', () => {
    expect(planFor({ mac: '02:00:00:00:00:aa' })).toEqual(['set-mac', 'replace-neighbour']);
  });

  test('of mode l2 that has left its bridge joins it again', () => {
    const own = plane(1, { mode: 'l2', device: 'vxlan.1' as IfName, bridge: 'cni0' as IfName });
    const stretched = wishFor(own, 2);
    const { device, ...rest } = kernelWith(stretched);

    const plan = planPlane(stretched, { ...rest, device: device && { ...device, master: undefined } });

    expect(plan.map(({ operation }) => operation)).toEqual([
      { kind: 'set-master', name: 'vxlan.1', master: 'cni0' },
    ]);
  });
});

test('what flanneld has left of a host that has gone goes, and what it has of the others becomes ours', () => {
  const wish = wishFor(plane(1), 2);
  const flannels = wishFor(plane(1), 2, 3).routes.map((route) => ({ ...route, protocol: 3 }));

  const plan = planPlane(wish, { ...kernelWith(wish), routes: flannels });

  expect(plan.map(({ operation }) => operation)).toMatchObject([
    { kind: 'delete-route', dst: cidr('10.5.3.0/24'), protocol: 3 },
    { kind: 'replace-route', dst: cidr('10.5.2.0/24'), protocol: 76 },
  ]);
});

test('a route of IPv4 goes before those of others, and replaces none but ours', () => {
  const [before, after] = [wishFor(plane(1)), wishFor(plane(1), 2)];
  const moved = after.routes.map((route) => ({ ...route, link: 'eth0' as IfName }));

  expect(kinds(planPlane(after, kernelWith(before)))).toContain('prepend-route');
  expect(kinds(planPlane(after, { ...kernelWith(after), routes: moved }))).toEqual(['replace-route']);
});

test('of two routes of ours to one subnet the first is replaced, and the other goes before', () => {
  const wish = wishFor(plane(1), 2);
  const wrong = (link: string) => wish.routes.map((route) => ({ ...route, link: link as IfName }));

  const plan = planPlane(wish, { ...kernelWith(wish), routes: [...wrong('eth0'), ...wrong('eth1')] });

  expect(plan.map(({ operation }) => operation)).toMatchObject([
    { kind: 'delete-route', link: 'eth1' },
    { kind: 'replace-route', link: 'flannel.1' },
  ]);
});

test('any number of peers comes with three processes, and four where the device is made, too', () => {
  const hosts = Array.from({ length: 200 }, (_, index) => index + 2);
  const wish = wishFor(plane(1), ...hosts);

  expect(groupSteps(planPlane(wish, kernelWith(wishFor(plane(1)))))).toHaveLength(3);
  const processes = groupSteps(planPlane(wish, bareKernel)).filter(
    ([{ operation }]) => operation.kind !== 'set-sysctl',
  );
  expect(processes).toHaveLength(4);
});
