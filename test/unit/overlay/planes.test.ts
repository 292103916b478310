import { describe, expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import { vtepMac } from '../../../lib/overlay/kernel/mtu.ts';
import type { Outer } from '../../../lib/overlay/kernel/outer-link.ts';
import { carriersOf, deviceName, type PlaneParts, toPlane } from '../../../lib/overlay/kernel/planes.ts';
import { selfOf } from '../../../lib/overlay/self.ts';
import { cidr, publicAddress, subnet } from '../../support/overlay-planes.ts';

const outer: Outer = {
  name: 'eth0' as IfName,
  mtu: 1500,
  networks: [],
  publicAddresses: { 4: publicAddress(1), 6: publicAddress(1, 6) },
};

const parts = (changes: Partial<PlaneParts> = {}): PlaneParts => ({
  family: 4,
  mode: 'l3',
  vni: 1,
  port: 8472,
  outer,
  network: cidr('10.5.0.0/16'),
  subnet: subnet(1),
  outerMtu: undefined,
  bridge: 'cni0' as IfName,
  ...changes,
});

describe('a plane', () => {
  test('has the device, addresses and MAC by which the others know this host', () => {
    expect(toPlane(parts())).toMatchObject({
      device: 'flannel.1',
      publicAddress: publicAddress(1),
      mac: vtepMac(1, publicAddress(1)),
      mtu: 1450,
      bridge: undefined,
    });
  });

  test('is on a bridge in mode l2 only', () => {
    expect(toPlane(parts({ mode: 'l2' }))).toMatchObject({ device: 'vxlan.1', bridge: 'cni0' });
  });

  test.each<[string, Partial<PlaneParts>, number]>([
    ['over IPv6', { family: 6 }, 1430],
    ['of a network that says less', { outerMtu: 1400 }, 1350],
    ['of a network that says more than the interface has', { outerMtu: 9000 }, 1450],
  ])('carries what is left of the underlay: %s', (_, changes, mtu) => {
    expect(toPlane(parts(changes)).mtu).toBe(mtu);
  });

  test('needs an address of its family on the underlay', () => {
    const single = { ...outer, publicAddresses: { 4: publicAddress(1) } };

    expect(() => toPlane(parts({ family: 6, outer: single }))).toThrow(/eth0.*has no IPv6 address/);
  });
});

test('there is a plane for each family, and one for all in mode l2, where a second would be a loop', () => {
  expect(carriersOf('l3', [4, 6])).toEqual([4, 6]);
  expect(carriersOf('l2', [4, 6])).toEqual([4]);
  expect(carriersOf('l2', [6])).toEqual([6]);
});

test('a device whose name would be too long for the kernel is refused, with what to do', () => {
  expect(deviceName('l3', 4, 9_999_999)).toBe('flannel.9999999');
  expect(() => deviceName('l3', 4, 10_000_000)).toThrow(/VNI 10000000.*choose a smaller VNI/);
  expect(() => deviceName('l3', 6, 100_000)).toThrow(/flannel-v6\.100000/);
});

describe('what a host says of itself', () => {
  const backend = { vni: 7, port: 8472, outerMtu: undefined, directRouting: false };
  const range = (network: string) => {
    const { address } = cidr(network);
    return { network: cidr(network), subnetLength: 24, min: address, max: address };
  };
  const both = { 4: range('10.5.0.0/16'), 6: range('fd00:5::/48') };

  test('is its address and MAC of each family that the overlay has', () => {
    expect(selfOf({ ranges: { 6: both[6] }, backend }, outer)).toEqual({
      6: { publicAddress: publicAddress(1, 6), vni: 7, vtepMac: vtepMac(7, publicAddress(1, 6)) },
    });
  });

  test('leaves out a family of which the underlay has no address', () => {
    const single = { ...outer, publicAddresses: { 4: publicAddress(1) } };

    expect(Object.keys(selfOf({ ranges: both, backend }, single))).toEqual(['4']);
  });
});
