import { expect, test } from 'vitest';
import { formatAddress } from '../../../lib/net/address.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { vtepMac } from '../../../lib/overlay/kernel/mtu.ts';
import type { Peer } from '../../../lib/overlay/kernel/plane.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { plane, publicAddress, subnet } from '../../support/overlay-planes.ts';

const peer = (host: number, changes: Partial<Peer> = {}): Peer => ({
  subnet: subnet(host),
  publicAddress: publicAddress(host),
  vtepMac: vtepMac(1, publicAddress(host)),
  isDirect: false,
  ...changes,
});

const stretched = plane(1, { mode: 'l2', bridge: 'cni0' as IfName });

test('the device of mode l3 has the address of the subnet and learns nothing', () => {
  const { device } = wishOf(plane(1), []);

  expect(device).toMatchObject({ learning: false, master: undefined });
  expect(device.address && formatCidr(device.address)).toBe('10.5.1.0/32');
});

test('the device of mode l2 is a port of the bridge, learns, and has no address', () => {
  expect(wishOf(stretched, []).device).toMatchObject({
    learning: true,
    master: 'cni0',
    address: undefined,
  });
});

test('in mode l2 all that is needed of a peer is its public address', () => {
  const { neighbours, fdb, flood, routes } = wishOf(stretched, [peer(2), peer(3)]);

  expect(flood.map(({ dst }) => formatAddress(dst))).toEqual(['192.0.2.2', '192.0.2.3']);
  expect([neighbours, fdb, routes]).toEqual([[], [], []]);
});

test('a peer that is reached directly has a plain route by the underlay and nothing on the device', () => {
  const { neighbours, fdb, routes } = wishOf(plane(1), [peer(2, { isDirect: true })]);

  expect(routes).toMatchObject([{ link: 'eth0', via: publicAddress(2), isOnLink: false }]);
  expect([neighbours, fdb]).toEqual([[], []]);
});

test('a host with two subnets has a route to each and one device', () => {
  const peers = [peer(2), peer(2, { subnet: subnet(9) })];

  const wish = wishOf(plane(1), peers);

  expect([wish.routes.length, wish.neighbours.length, wish.fdb.length]).toEqual([2, 2, 1]);
  expect(wishOf(stretched, peers).flood).toHaveLength(1);
});
