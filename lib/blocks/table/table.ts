import type { Block, NodeId, Stored } from './block.ts';
import type { HostRecord } from './host.ts';
import type { Pool } from './pool.ts';

/** What there is below the prefix of the blocks. */
export type BlockTable = {
  /** The store's revision that this is the state of. */
  readonly revision: number;
  /** By name. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly hosts: ReadonlyMap<NodeId, HostRecord & Stored>;
  /** Hosts whose agent keeps its lease of etcd. */
  readonly alive: ReadonlySet<NodeId>;
  /** By the last part of the key, `10.50.0.64-26`. */
  readonly blocks: ReadonlyMap<string, Block & Stored>;
  /** What is wrong with the keys that are not understood, by key, and with what contradicts itself (two blocks that overlap). */
  readonly problems: ReadonlyMap<string, string>;
};

export const emptyBlockTable: BlockTable = {
  revision: 0,
  pools: new Map(),
  hosts: new Map(),
  alive: new Set(),
  blocks: new Map(),
  problems: new Map(),
};
