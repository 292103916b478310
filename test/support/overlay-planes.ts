import type { VxlanLink } from '../../lib/iproute/parse-vxlan.ts';
import { renderBridge, renderIp } from '../../lib/iproute/render.ts';
import { type Family, type IpAddress, parseAddress } from '../../lib/net/address.ts';
import { type Cidr, parseCidr } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { vtepMac } from '../../lib/overlay/kernel/mtu.ts';
import type { ObservedPlane } from '../../lib/overlay/kernel/observe.ts';
import type { PeerRules } from '../../lib/overlay/kernel/peers.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import type { DeviceWish, PlaneWish } from '../../lib/overlay/kernel/wish.ts';
import type { Endpoint, SubnetLease } from '../../lib/overlay/lease/lease.ts';

// An overlay of numbered hosts: host 2 has 192.0.2.2 and leases 10.5.2.0/24, or 2001:db8:5::2 and fd00:5:0:2::/64.

/** An address that a test has written. */
export function address(text: string): IpAddress {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(`no address: ${text}`);
  return found;
}

/** A network, or an address with a prefix length, that a test has written. */
export function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (found === undefined) throw new Error(`no network: ${text}`);
  return found;
}

/** The public address of a host. */
export function publicAddress(host: number, family: Family = 4): IpAddress {
  return address(family === 4 ? `192.0.2.${host}` : `2001:db8:5::${host.toString(16)}`);
}

/** The subnet of a host. */
export function subnet(host: number, family: Family = 4): Cidr {
  return cidr(family === 4 ? `10.5.${host}.0/24` : `fd00:5:0:${host.toString(16)}::/64`);
}

/** The plane of a host, in mode l3 unless the changes say otherwise. */
export function plane(host: number, { family = 4, ...changes }: Partial<Plane> = {}): Plane {
  const own = publicAddress(host, family);
  return {
    family,
    mode: 'l3',
    device: (family === 4 ? 'flannel.1' : 'flannel-v6.1') as IfName,
    vni: 1,
    port: 8472,
    publicAddress: own,
    outer: 'eth0' as IfName,
    mac: vtepMac(1, own),
    mtu: family === 4 ? 1450 : 1430,
    network: cidr(family === 4 ? '10.5.0.0/16' : 'fd00:5::/48'),
    subnet: subnet(host, family),
    bridge: undefined,
    ...changes,
  };
}

/** The lease of a host for one family. */
export function lease(host: number, changes: Partial<Endpoint> = {}, family: Family = 4): SubnetLease {
  const own = publicAddress(host, family);
  const endpoint = { subnet: subnet(host, family), publicAddress: own, vni: 1, vtepMac: vtepMac(1, own) };
  return {
    name: `host-${host}`,
    endpoints: { [family]: { ...endpoint, ...changes } },
    node: undefined,
  };
}

/** No direct routing, and no lease of our own. */
export const plainRules: PeerRules = { isOnLink: () => true, directRouting: false, own: undefined };

/** A kernel that has nothing of a plane. */
export const bareKernel: ObservedPlane = {
  vxlans: [],
  device: undefined,
  neighbours: [],
  fdb: [],
  flood: [],
  routes: [],
};

/** A kernel that has all that is wished. */
export function kernelWith({ device, ...entries }: PlaneWish): ObservedPlane {
  const link = deviceAsWished(device);
  return { vxlans: [link], device: link, ...entries };
}

/** The device as the kernel shows it when it is as wished. */
export function deviceAsWished(wish: DeviceWish): VxlanLink {
  const {
    name,
    mac,
    mtu,
    alias,
    master,
    address: own,
    vni,
    port,
    local,
    outer,
    learning,
    maxAddresses,
  } = wish;
  return {
    ...{ name, mac, mtu, alias, master },
    isUp: true,
    isPromiscuous: false,
    kind: 'vxlan',
    addresses: [...(own === undefined ? [] : [own]), cidr('fe80::1/64')],
    vlanFiltering: false,
    port: undefined,
    vxlan: { vni, port, local, outer, learning, maxAddresses, remote: undefined, receiving: [] },
  };
}

/** All entries as the lines that would make them, in an order of their own. */
export function linesOf({ neighbours, fdb, flood, routes }: Omit<PlaneWish, 'device'>): readonly string[] {
  return [
    ...neighbours.map((neighbour) => renderIp({ kind: 'replace-neighbour', ...neighbour })),
    ...fdb.map((entry) => renderBridge({ kind: 'replace-fdb', ...entry })),
    ...flood.map((entry) => renderBridge({ kind: 'append-flood', ...entry })),
    ...routes.map((route) => renderIp({ kind: 'replace-route', ...route })),
  ].sort();
}
