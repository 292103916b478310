import type { Family, IpAddress } from '../../net/address.ts';
import { asHost, type Cidr, networkAddress } from '../../net/cidr.ts';
import type { IfName } from '../../net/ifname.ts';
import type { Mac } from '../../net/mac.ts';
import type { ExactRoute, FdbEntry, FloodEntry, Neighbour } from '../../plan/operation.ts';
import type { Peer, Plane } from './plane.ts';

/** All that a plane wants of the kernel. */
export type PlaneWish = {
  readonly device: DeviceWish;
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  /** In mode l2 every peer; nobody in mode l3. */
  readonly flood: readonly FloodEntry[];
  readonly routes: readonly ExactRoute[];
};

/** The VXLAN device of a plane. */
export type DeviceWish = {
  readonly name: IfName;
  readonly mac: Mac;
  /** Bytes. */
  readonly mtu: number;
  readonly vni: number;
  /** UDP. */
  readonly port: number;
  readonly local: IpAddress;
  readonly outer: IfName;
  readonly learning: boolean;
  /** How many MACs it knows at the most; undefined for any number. */
  readonly maxAddresses: number | undefined;
  /** The family whose addresses on the device are ours. */
  readonly family: Family;
  readonly address: Cidr | undefined;
  readonly master: IfName | undefined;
  readonly alias: string;
};

/** Says on a VXLAN device whose it is. */
export const overlayAlias = 'fairlead/overlay';

/** What the alias of a device begins with that a plugin has made, and not the agent. */
export const staticAliasPrefix = `${overlayAlias}/`;

/** What the alias of a device begins with that a network's plugin has made. */
export function networkOverlayPrefix(network: string): string {
  return `${staticAliasPrefix}${network}/`;
}

/**
 * The protocol of the agent's routes, by which it knows them again on interfaces that also have routes of others. A number
 * that neither the kernel nor iproute2 has given to anybody; the kernel takes no notice of it.
 */
export const overlayProtocol = 76;

/** The same of routes to static peers, which are none of the agent's. */
export const staticProtocol = 77;

/** Whether a route of this protocol leads to a host of an overlay of ours. */
export function isOverlayProtocol(protocol: number): boolean {
  return protocol === overlayProtocol || protocol === staticProtocol;
}

/**
 * In mode l2 whoever sends into the overlay may invent MACs, and the device would learn them all. The hosts to which it
 * floods count as one.
 */
const mostLearned = 16_384;

/**
 * Where a bridge still has a subnet that another host has leased, the other host's is the one that counts. In IPv4 ours
 * has the metric of the bridge's and comes before it; in IPv6 the bridge's has 256.
 */
const metrics = { 4: 0, 6: 255 } as const;

/**
 * What the kernel is to have so that this host reaches the peers, and they this host. Pure.
 * @param protocol of the routes
 */
export function wishOf(plane: Plane, peers: readonly Peer[], protocol: number = overlayProtocol): PlaneWish {
  const device = deviceOf(plane);
  if (plane.mode === 'l2') {
    return { device, neighbours: [], fdb: [], flood: floodTo(plane, peers), routes: [] };
  }
  const encapsulated = peers.filter(({ isDirect }) => !isDirect);
  return {
    device,
    neighbours: encapsulated.map(({ subnet, vtepMac }) => ({
      link: plane.device,
      address: networkAddress(subnet),
      mac: vtepMac,
    })),
    fdb: fdbOf(plane, encapsulated),
    flood: [],
    routes: peers.flatMap((peer) => routesTo(peer, plane, protocol)),
  };
}

/**
 * In mode l3 every MAC is known in advance, and nothing may teach the device another; the address is what this host's
 * own packets to containers elsewhere come from. In mode l2 the containers' MACs are learned.
 */
function deviceOf({ device, mode, publicAddress, subnet, bridge, ...settings }: Plane): DeviceWish {
  const { family, vni, port, outer, mac, mtu } = settings;
  return {
    name: device,
    ...{ family, vni, port, outer, mac, mtu },
    local: publicAddress,
    learning: mode === 'l2',
    maxAddresses: mode === 'l2' ? mostLearned : undefined,
    address: mode === 'l3' ? asHost(networkAddress(subnet)) : undefined,
    master: mode === 'l2' ? bridge : undefined,
    alias: overlayAlias,
  };
}

/** A host with several subnets has one VXLAN device. */
function fdbOf({ device }: Plane, peers: readonly Peer[]): readonly FdbEntry[] {
  const hosts = new Map(peers.map(({ vtepMac, publicAddress }) => [vtepMac, publicAddress]));
  return [...hosts].map(([mac, dst]) => ({ device, mac, dst }));
}

function floodTo({ device }: Plane, peers: readonly Peer[]): readonly FloodEntry[] {
  const hosts = new Map(peers.map(({ publicAddress }) => [publicAddress.bits, publicAddress]));
  return [...hosts.values()].map((dst) => ({ device, dst }));
}

/**
 * The gateway is the peer's subnet address, which no interface of ours has a network for: hence `onlink`. IPv6 looks
 * where that address leads all the same, and refuses the route while a bridge or an older route covers it by
 * another interface; so there the address first gets a route of its own.
 */
function routesTo(peer: Peer, plane: Plane, protocol: number): readonly ExactRoute[] {
  const { subnet, publicAddress, isDirect } = peer;
  const { family, device, outer } = plane;
  const common = { metric: metrics[family], protocol };
  if (isDirect) return [{ link: outer, dst: subnet, via: publicAddress, isOnLink: false, ...common }];
  const via = networkAddress(subnet);
  const byDevice = { link: device, dst: subnet, via, isOnLink: true, ...common };
  if (family === 4) return [byDevice];
  return [{ link: device, dst: asHost(via), via: undefined, isOnLink: false, ...common }, byDevice];
}
