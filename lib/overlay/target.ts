import type { Family } from '../net/address.ts';
import type { IfName } from '../net/ifname.ts';
import type { SubnetLease } from './lease.ts';
import type { Stored } from './lease-table.ts';
import type { NetworkConfig } from './network-config.ts';
import { isOnLinkOf, type Outer } from './outer-link.ts';
import { type Peers, peersOf } from './peers.ts';
import type { OverlayMode, Peer, Plane } from './plane.ts';
import { toPlane } from './planes.ts';
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
  readonly leases: Iterable<SubnetLease & Pick<Stored, 'createRevision'>>;
};

/**
 * A plane for each family that the lease has a subnet of.
 * @throws CniError code 7 where the underlay cannot carry it
 */
export function targetOf(parts: TargetParts): Target {
  const leases = [...parts.leases].sort((one, other) => one.createRevision - other.createRevision);
  const all = ([4, 6] as const).flatMap((family) => {
    const plane = planeOf(family, parts);
    if (plane === undefined) return [];
    const { peers, refused } = peersOf(plane, leases, {
      isOnLink: isOnLinkOf(parts.outer),
      directRouting: parts.config.backend.directRouting,
      own: parts.own,
    });
    return [{ plane, peers, refused, wish: wishOf(plane, peers) }];
  });
  return { planes: all, refused: all.flatMap(({ refused }) => refused) };
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
