import { describe, expect, test } from 'vitest';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import type { Mac } from '../../../lib/net/mac.ts';
import { type PeerRules, peersOf } from '../../../lib/overlay/kernel/peers.ts';
import type { Plane } from '../../../lib/overlay/kernel/plane.ts';
import type { Endpoint, SubnetLease } from '../../../lib/overlay/lease/lease.ts';
import { address, cidr, lease, plainRules, plane, publicAddress } from '../../support/overlay-planes.ts';

const own = plane(1);

const follow = (leases: readonly SubnetLease[], rules: Partial<PeerRules> = {}, of: Plane = own) => {
  const { peers, refused } = peersOf(of, leases, { ...plainRules, ...rules });
  return { subnets: peers.map(({ subnet }) => formatCidr(subnet)), peers, refused };
};

const named = (name: string, host: number, changes: Partial<Endpoint> = {}): SubnetLease => ({
  ...lease(host, changes),
  name,
});

test('every host that has a lease is a peer, but for ourselves and hosts without the family', () => {
  const mine = lease(1);

  const { subnets, refused } = follow([lease(3), mine, lease(2), lease(4, {}, 6)], { own: mine });

  expect(subnets).toEqual(['10.5.3.0/24', '10.5.2.0/24']);
  expect(refused).toEqual([]);
});

describe('a lease is refused', () => {
  test.each<[string, Partial<Endpoint>, string]>([
    ['of another VNI', { vni: 2 }, 'VNI is 2'],
    ['that has our public address', { publicAddress: publicAddress(1) }, '192.0.2.1 is this host'],
    ['that has our MAC', { vtepMac: own.mac }, own.mac],
    ['outside the network', { subnet: cidr('10.6.2.0/24') }, "not in the overlay's network"],
    ['wider than the network', { subnet: cidr('10.0.0.0/8') }, "not in the overlay's network"],
    ['that claims our subnet', { subnet: cidr('10.5.1.0/24') }, "overlaps with this host's"],
    ['that claims a part of our subnet', { subnet: cidr('10.5.1.64/26') }, "overlaps with this host's"],
    ['around our subnet', { subnet: cidr('10.5.0.0/20') }, "overlaps with this host's"],
    ['whose subnet swallows its own address', { publicAddress: address('10.5.2.7') }, '10.5.2.7 in it'],
  ])('%s', (_, changes, because) => {
    const { subnets, refused } = follow([lease(2, changes), lease(3)]);

    expect(subnets).toEqual(['10.5.3.0/24']);
    expect(refused).toEqual([{ name: 'host-2', because: expect.stringContaining(because) }]);
  });

  test('whose subnet swallows our public address', () => {
    const inside = plane(1, { publicAddress: address('10.5.9.1') });

    expect(follow([lease(9)], {}, inside).refused).toEqual([
      { name: 'host-9', because: expect.stringContaining('10.5.9.1 in it') },
    ]);
  });

  test('although we hold none: our device has the address of its subnet', () => {
    const taken = lease(2, { subnet: own.subnet });

    expect(follow([taken], { own: undefined }).refused).toHaveLength(1);
  });
});

test('who has taken our subnet, by whatever key, is a peer like any other', () => {
  const takers = [
    lease(2, { subnet: cidr('10.5.1.0/25') }),
    named('host-1', 3, { subnet: cidr('10.5.1.128/25') }),
  ];

  const { subnets, refused } = follow(takers, { own: 'taken' });

  expect(subnets).toEqual(['10.5.1.0/25', '10.5.1.128/25']);
  expect(refused).toEqual([]);
});

describe('of two leases that exclude each other', () => {
  test.each([
    ['of the same subnet', '10.5.2.0/24', '10.5.2.0/24'],
    ['the wider one first', '10.5.2.0/23', '10.5.3.0/24'],
    ['the narrower one first', '10.5.3.0/24', '10.5.2.0/23'],
    ['with another length between them', '10.5.32.0/20', '10.5.40.64/26'],
  ])('the later one gives way: %s', (_, first, second) => {
    const older = named('z', 2, { subnet: cidr(first) });
    const younger = named('a', 3, { subnet: cidr(second) });

    const { peers, refused } = follow([older, younger, lease(4)]);

    expect(peers.map(({ publicAddress: host }) => host)).toEqual([publicAddress(2), publicAddress(4)]);
    expect(refused).toEqual([
      { name: 'a', because: expect.stringContaining('overlaps with that of the lease z') },
    ]);
  });

  test('a MAC leads to one host only', () => {
    const mac = '02:00:00:00:00:05' as Mac;

    const { subnets, refused } = follow([lease(2, { vtepMac: mac }), lease(3, { vtepMac: mac })]);

    expect(subnets).toEqual(['10.5.2.0/24']);
    expect(refused).toEqual([
      { name: 'host-3', because: expect.stringContaining('is that of the lease host-2') },
    ]);
  });
});

test('a host may have several subnets: an old lease of it has not ended yet', () => {
  const old = named('old', 2, { subnet: cidr('10.5.99.0/24') });

  expect(follow([lease(2), old]).subnets).toEqual(['10.5.2.0/24', '10.5.99.0/24']);
});

test('a peer is reached without VXLAN if that is asked for, it is on the link, and the mode is l3', () => {
  const isOnLink = ({ bits }: { bits: bigint }) => bits === publicAddress(2).bits;
  const leases = [lease(2), lease(3)];
  const directs = (rules: Partial<PeerRules>, of?: Plane) =>
    follow(leases, rules, of).peers.map(({ isDirect }) => isDirect);

  expect(directs({ isOnLink, directRouting: true })).toEqual([true, false]);
  expect(directs({ isOnLink, directRouting: false })).toEqual([false, false]);
  const stretched = plane(1, { mode: 'l2', bridge: 'cni0' as IfName });
  expect(directs({ isOnLink, directRouting: true }, stretched)).toEqual([false, false]);
});

test('in mode l2 a share of the addresses need not be in what the host takes for the network', () => {
  const stretched = plane(1, { mode: 'l2', bridge: 'cni0' as IfName });

  expect(follow([lease(2, { subnet: cidr('10.77.0.0/24') })], {}, stretched).refused).toEqual([]);
});

test('a thousand leases, each of which excludes another, are judged within a second', () => {
  const leases = Array.from({ length: 1000 }, (_, index) => {
    const host = index >> 1;
    const subnet = cidr(`10.${5 + (host >> 8)}.${host & 255}.${(index & 1) * 64}/${25 + (index & 1)}`);
    const publicAddress = address(`198.18.${index >> 8}.${index & 255}`);
    return named(`${index}`, 2, {
      subnet,
      publicAddress,
      vtepMac: `02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}` as Mac,
    });
  });
  const wide = plane(200, { network: cidr('10.0.0.0/8'), subnet: cidr('10.200.0.0/24') });
  const began = performance.now();

  const { subnets, refused } = follow(leases, {}, wide);

  expect([subnets.length, refused.length]).toEqual([500, 500]);
  expect(performance.now() - began).toBeLessThan(1000);
});

function hex(octet: number): string {
  return octet.toString(16).padStart(2, '0');
}
