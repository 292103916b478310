import { describe, expect, test } from 'vitest';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import type { Mac } from '../../../lib/net/mac.ts';
import type { Outer } from '../../../lib/overlay/kernel/outer-link.ts';
import { type TargetParts, targetOf } from '../../../lib/overlay/kernel/target.ts';
import type { SubnetLease } from '../../../lib/overlay/lease/lease.ts';
import { type NetworkConfig, parseNetworkConfig } from '../../../lib/overlay/lease/network-config.ts';
import { cidr, lease, publicAddress, subnet } from '../../support/overlay-planes.ts';

const outer: Outer = {
  name: 'eth0' as IfName,
  mtu: 1500,
  networks: [cidr('192.0.2.0/24')],
  publicAddresses: { 4: publicAddress(1), 6: publicAddress(1, 6) },
};

const config = (changes: object = {}): NetworkConfig =>
  parseNetworkConfig(
    JSON.stringify({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' }, ...changes }),
    'config',
  );
const dual = config({ EnableIPv6: true, IPv6Network: 'fd00:5::/48' });

/** A host's lease of both families. */
const both = (host: number): SubnetLease => ({
  ...lease(host),
  endpoints: { ...lease(host).endpoints, ...lease(host, {}, 6).endpoints },
});

/** The leases in the order in which they were made. */
const made = (...leases: readonly SubnetLease[]) =>
  leases.map((each, at) => ({ ...each, createRevision: at + 1 }));

const parts = (changes: Partial<TargetParts> = {}): TargetParts => ({
  mode: 'l3',
  bridge: 'cni0' as IfName,
  outer,
  config: config(),
  own: both(1),
  taken: [],
  leases: made(both(1), both(2)),
  ...changes,
});

const devicesOf = (changes: Partial<TargetParts>) =>
  targetOf(parts(changes)).planes.map(({ plane }) => plane.device);

describe('the planes', () => {
  test('are those of the families that both the overlay and the lease have', () => {
    expect(devicesOf({})).toEqual(['flannel.1']);
    expect(devicesOf({ config: dual })).toEqual(['flannel.1', 'flannel-v6.1']);
    expect(devicesOf({ config: dual, own: lease(1, {}, 6) })).toEqual(['flannel-v6.1']);
  });

  test('are one in mode l2, though there are networks of both families', () => {
    const { planes, networks } = targetOf(parts({ config: dual, mode: 'l2' }));

    expect(planes.map(({ plane }) => plane.device)).toEqual(['vxlan.1']);
    expect(Object.values(networks).map(formatCidr)).toEqual(['10.5.0.0/16', 'fd00:5::/48']);
  });

  test('lead to every other host, and not to this one', () => {
    const { planes } = targetOf(parts({ leases: made(both(1), both(3), both(2)) }));

    expect(planes.flatMap(({ peers }) => peers.map(({ subnet: own }) => own))).toEqual([
      subnet(3),
      subnet(2),
    ]);
  });

  test('lead to hosts on the link without VXLAN where the network says so', () => {
    const { planes } = targetOf(
      parts({ config: config({ Backend: { Type: 'vxlan', DirectRouting: true } }) }),
    );

    expect(planes[0]?.peers.map(({ isDirect }) => isDirect)).toEqual([true]);
  });
});

test('of two leases that exclude each other the older counts, in whatever order they are known', () => {
  const mac = '02:00:00:00:00:77' as Mac;
  const [older, younger] = made(lease(2), {
    ...lease(9, { subnet: cidr('10.5.2.128/25'), vtepMac: mac }),
    name: 'a',
  });

  const { planes, refused } = targetOf(parts({ leases: [younger, older].flatMap((each) => each ?? []) }));

  expect(planes[0]?.peers.map(({ publicAddress: host }) => host)).toEqual([publicAddress(2)]);
  expect(refused).toEqual([
    { name: 'a', because: expect.stringContaining('overlaps with that of the lease host-2') },
  ]);
});

test('a subnet that another host has taken leads to that host, and its address is not ours any more', () => {
  const taker = { ...both(2), ...lease(2, { subnet: subnet(1) }), name: both(1).name };

  const { planes, refused } = targetOf(parts({ config: dual, taken: [4], leases: made(taker, both(3)) }));

  expect(planes.map(({ peers }) => peers.map(({ subnet: of }) => formatCidr(of)))).toEqual([
    ['10.5.1.0/24', '10.5.3.0/24'],
    ['fd00:5:0:3::/64'],
  ]);
  expect(planes.map(({ wish: { device } }) => device.address && formatCidr(device.address))).toEqual([
    undefined,
    'fd00:5:0:1::/128',
  ]);
  expect(refused).toEqual([]);
});

test('an underlay that cannot carry the overlay is refused', () => {
  expect(() => targetOf(parts({ outer: { ...outer, mtu: 600 } }))).toThrow(/raise the MTU/);
});
