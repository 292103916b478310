import type { IpAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';

/** Where the agent writes what this host leases addresses from, for the plugin `routed`. */
export const defaultShareFile = '/run/fairlead/blocks.json';

/** What of the pools is this host's, so that an ADD asks nobody. */
export type Share = {
  /** The CNI network whose containers get these addresses; one alone, for leases are kept by network. */
  readonly network: string;
  /** Where host-local keeps its leases: absolute path. */
  readonly dataDir: string;
  /** Bytes that a container's packet may have on its way to the other hosts. */
  readonly mtu: number;
  /** All pools of the cluster: what has an address of none of them is not of this network. */
  readonly pools: readonly Cidr[];
  /** What this host leases from: blocks without what is lent, and single addresses that were borrowed. */
  readonly ranges: readonly ShareRange[];
};

/** Addresses from the first to the last, both included. */
export type ShareRange = { readonly pool: Cidr; readonly first: IpAddress; readonly last: IpAddress };
