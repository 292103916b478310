import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { IfName } from '../../net/ifname.ts';
import { type ByFamily, byFamily } from '../lease/by-family.ts';
import type { SubnetLease } from '../lease/lease.ts';
import type { NetworkConfig } from '../lease/network-config.ts';
import type { Stored } from '../lease/table.ts';
import { isOnLinkOf, type Outer } from './outer-link.ts';
import { type Peers, peersOf } from './peers.ts';
import type { OverlayMode, Peer, Plane } from './plane.ts';
import { carriersOf, toPlane } from './planes.ts';
import { type PlaneWish, wishOf } from './wish.ts';

/** A plane with the hosts that it leads to. */
export type PlaneTarget = {
  readonly plane: Plane;
  readonly peers: readonly Peer[];
  readonly wish: PlaneWish;
};

/** What the kernel of this host is to be like, and which leases of others are left out. */
export type Target = {
  readonly planes: readonly PlaneTarget[];
  /** The whole overlay, for each family that this host has a subnet of. */
  readonly networks: ByFamily<Cidr>;
  readonly refused: Peers['refused'];
};

/** What a target is made from. */
export type TargetParts = {
  readonly mode: OverlayMode;
  /** Which a device joins in mode l2; undefined while there is none. */
  readonly bridge: IfName | undefined;
  readonly outer: Outer;
  readonly config: NetworkConfig;
  readonly own: SubnetLease;
  /** The families of whose subnet other hosts have leased a part, while this host has no other. */
  readonly taken: readonly Family[];
  readonly leases: Iterable<SubnetLease & Pick<Stored, 'createRevision'>>;
};

/**
 * A plane for each family that the lease has a subnet of, or one for all in mode l2.
 * @throws CniError code 7 where the underlay cannot carry it
 */
export function targetOf(parts: TargetParts): Target {
  const { config, own, mode } = parts;
  const leases = [...parts.leases].sort((one, other) => one.createRevision - other.createRevision);
  const networks = byFamily((family) => own.endpoints[family] && config.ranges[family]?.network);
  const families = ([4, 6] as const).filter((family) => networks[family] !== undefined);
  const all = carriersOf(mode, families).flatMap((family) => planeTargetOf(family, leases, parts));
  return {
    planes: all.map(({ plane, peers, wish }) => ({ plane, peers, wish })),
    networks,
    refused: all.flatMap(({ refused }) => refused),
  };
}

function planeTargetOf(
  family: Family,
  leases: readonly SubnetLease[],
  parts: TargetParts,
): readonly (PlaneTarget & Pick<Target, 'refused'>)[] {
  const plane = planeOf(family, parts);
  if (plane === undefined) return [];
  const isTaken = parts.taken.includes(family);
  const { peers, refused } = peersOf(plane, leases, {
    isOnLink: isOnLinkOf(parts.outer),
    directRouting: parts.config.backend.directRouting,
    own: isTaken ? 'taken' : parts.own,
  });
  const wish = wishOf(plane, peers);
  return [{ plane, peers, refused, wish: isTaken ? withoutAddress(wish) : wish }];
}

/** By the address of the subnet the host is reached that has taken it. */
function withoutAddress({ device, ...entries }: PlaneWish): PlaneWish {
  return { device: { ...device, address: undefined }, ...entries };
}

function planeOf(family: Family, { config, own, ...parts }: TargetParts): Plane | undefined {
  const range = config.ranges[family];
  const endpoint = own.endpoints[family];
  if (range === undefined || endpoint === undefined) return undefined;
  const { vni, port, outerMtu } = config.backend;
  const { mode, bridge, outer } = parts;
  const { network } = range;
  return toPlane({ family, mode, vni, port, outer, network, subnet: endpoint.subnet, outerMtu, bridge });
}
