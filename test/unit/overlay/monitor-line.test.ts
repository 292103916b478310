import { describe, expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import { concerns, concernsMasquerade, heardOf } from '../../../lib/overlay/kernel/monitor-line.ts';
import { peersOf } from '../../../lib/overlay/kernel/peers.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { lease, plainRules, plane } from '../../support/overlay-planes.ts';

// Lines of `ip -o monitor label link address route neigh` of iproute2 6.1.

const planes = [plane(1), plane(1, { family: 6 })].map((own) => {
  const { peers } = peersOf(own, [lease(2, {}, own.family)], plainRules);
  return { plane: own, peers, wish: wishOf(own, peers) };
});
const heard = heardOf({ planes }, 'eth0');

describe('a line of the kernel’s changes', () => {
  test.each([
    [
      'the device',
      '[LINK]4: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1280 qdisc noqueue state UNKNOWN group default',
    ],
    [
      'the device of IPv6',
      '[LINK]Deleted 9: flannel-v6.1: <BROADCAST,MULTICAST> mtu 1430 qdisc noop state DOWN group default',
    ],
    [
      'its address',
      '[ADDR]Deleted 4: flannel.1    inet 10.5.1.0/32 scope global flannel.1\\       valid_lft forever',
    ],
    ['a neighbour', '[NEIGH]Deleted 10.5.2.0 dev flannel.1 FAILED '],
    [
      'a forwarding entry',
      '[NEIGH]Deleted 192.0.2.2 dev flannel.1 lladdr 02:00:00:00:00:66 NOARP PERMANENT ',
    ],
    ['a route', '[ROUTE]Deleted 10.5.2.0/24 via 10.5.2.0 dev flannel.1 proto 76 onlink '],
    ['a route in the place of ours', '[ROUTE]10.5.2.0/24 via 192.0.2.77 dev eth1 '],
    ['the same of IPv6', '[ROUTE]fd00:5:0:2::/64 via 2001:db8:5::2 dev eth1 metric 1024 pref medium'],
    ['a direct route', '[ROUTE]Deleted 10.5.2.0/24 via 192.0.2.2 dev eth0 proto 76 '],
    [
      'the underlay',
      '[LINK]3: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 qdisc noqueue state UP group default',
    ],
    ['its address', '[ADDR]Deleted 3: eth0    inet 192.0.2.1/24 scope global eth0\\       valid_lft forever'],
    ['the default route', '[ROUTE]default via 192.0.2.254 dev eth1 '],
  ])('concerns the overlay: %s', (_, line) => {
    expect(concerns(line, heard)).toBe(true);
  });

  test.each([
    [
      'another link',
      '[LINK]7: veth0123abcd@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 master cni0 state UP group default',
    ],
    [
      'a link whose name begins alike',
      '[LINK]8: flannel.10: <BROADCAST,MULTICAST> mtu 1450 qdisc noop state DOWN group default',
    ],
    ['another route', '[ROUTE]198.51.100.0/24 via 192.0.2.77 dev eth0 '],
    ['a neighbour on the underlay', '[NEIGH]192.0.2.2 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE '],
    ['nothing', ''],
    ['what is not understood', 'Failed to send flush request: No such device'],
  ])('does not: %s', (_, line) => {
    expect(concerns(line, heard)).toBe(false);
  });

  test('concerns only the default route as long as nothing is known', () => {
    const nothing = heardOf({ planes: [] }, undefined);

    expect(concerns('[LINK]3: eth0@if7: <UP> mtu 1400 state UP group default', nothing)).toBe(false);
    expect(concerns('[ROUTE]default via 192.0.2.254 dev eth0 ', nothing)).toBe(true);
  });
});

describe('of a device that learns MACs', () => {
  const own = plane(1, { mode: 'l2', device: 'vxlan.1' as IfName });
  const { peers } = peersOf(own, [lease(2)], plainRules);
  const stretched = heardOf({ planes: [{ plane: own, peers, wish: wishOf(own, peers) }] }, 'eth0');

  test.each([
    ['[NEIGH]Deleted 192.0.2.2 dev vxlan.1 lladdr 00:00:00:00:00:00 NOARP PERMANENT ', true],
    ['[NEIGH]192.0.2.3 dev vxlan.1 lladdr 02:00:00:00:00:09 REACHABLE ', false],
    ['[NEIGH]dev vxlan.1 lladdr 02:00:00:00:00:09 REACHABLE ', false],
    ['[NEIGH]Deleted 192.0.2.3 dev vxlan.1 lladdr 02:00:00:00:00:09 REACHABLE ', false],
    ['[LINK]5: vxlan.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN', true],
  ])('the neighbours count only where they are permanent: %s', (line, expected) => {
    expect(concerns(line, stretched)).toBe(expected);
  });
});

test('of rules that go, those of the overlay’s masquerade concern it', () => {
  expect(concernsMasquerade('delete rule inet fairlead masq_overlay handle 3')).toBe(true);
  expect(concernsMasquerade('delete rule inet fairlead masq_overlay2 handle 3')).toBe(false);
  expect(concernsMasquerade('delete rule ip fairlead masq_overlay handle 3')).toBe(false);
  expect(concernsMasquerade('# new generation 3 by process 5762 (nft)')).toBe(false);
});
