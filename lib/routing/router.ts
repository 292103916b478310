import type { NodeId } from '../blocks/table/block.ts';
import type { BlockTable } from '../blocks/table/table.ts';
import type { DriftStatus } from '../daemon/drift.ts';
import type { Family } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';

/** What is to be reached, and by whom; pure data, made from the table of blocks. */
export type Reachability = {
  /** This host. */
  readonly node: NodeId;
  readonly table: BlockTable;
  /** This host's confirmed blocks, and single addresses that it has borrowed: what it announces. */
  readonly own: readonly Cidr[];
};

/** One way in which hosts learn where each other's blocks are: BIRD, or routes that the agent writes. */
export type Router = {
  /**
   * Brings the kernel, or BIRD, to what is to be reached; may be called any number of times, one after the other.
   * @returns what stands in the way, each with its remedy; the old state stays in force where that is so
   */
  readonly apply: (wish: Reachability) => Promise<readonly string[]>;
  readonly status: () => RoutingStatus;
};

/** What `GET /v1/routes` tells; texts and numbers only. */
export type RoutingStatus = {
  readonly mode: 'bird' | 'direct';
  /** What this host announces: of its blocks and borrowed addresses, those whose packets go nowhere else from here. */
  readonly announced: readonly string[];
  readonly routes: readonly RouteStatus[];
  readonly drift: DriftStatus;
  readonly problems: readonly string[];
};

/** The way to one block, or to one borrowed address, of another host. */
export type RouteStatus = {
  readonly dst: string;
  readonly family: Family;
  /** Host name of who has it; its id where it has none. */
  readonly host: string;
  /** The gateway, and the interface; absent while there is no route. */
  readonly via?: string;
  readonly dev?: string;
  /** `direct`: a plain route on a link; `vxlan`: over the overlay's device; `bgp`: learned by BIRD; `none`: no way. */
  readonly way: 'direct' | 'vxlan' | 'bgp' | 'none';
  /** Whether the kernel has it. */
  readonly isInstalled: boolean;
};
