import { cutForeign } from '../daemon/foreign-text.ts';
import { messageOf } from '../errors/cni-error.ts';
import type { KeyValue, Range, WatchEvent } from '../etcd/etcd.ts';
import type { Followed } from '../etcd/follow.ts';
import type { NodeId, Stored } from './block.ts';
import { parseBlock } from './block-text.ts';
import type { HostRecord } from './host.ts';
import { parseHost } from './host-text.ts';
import { overlappedBlocks, type StoredBlock } from './overlap.ts';
import type { Pool } from './pool.ts';
import { parsePool } from './pool-text.ts';
import { type BlockTable, emptyBlockTable } from './table.ts';

/**
 * The table after what a follower of the prefix was told; a cluster that is away changes nothing.
 * @param prefix without a slash at its end
 */
export function updateBlockTable(table: BlockTable, followed: Followed, prefix: string): BlockTable {
  switch (followed.kind) {
    case 'whole':
      return blockTableOf(followed, prefix);
    case 'changes':
      return applyEvents(table, followed, prefix);
    case 'lost':
      return table;
  }
}

/** The table of everything that is below the prefix. */
export function blockTableOf({ revision, kvs }: Range, prefix: string): BlockTable {
  const events = kvs.map((kv) => ({ kind: 'put', kv }) as const);
  return applyEvents(emptyBlockTable, { revision, events }, prefix);
}

type Changes = { readonly revision: number; readonly events: readonly WatchEvent[] };

function applyEvents(table: BlockTable, { revision, events }: Changes, prefix: string): BlockTable {
  const draft: Draft = {
    pools: new Map(table.pools),
    hosts: new Map(table.hosts),
    alive: new Set(table.alive),
    blocks: new Map(table.blocks),
    problems: new Map(table.problems),
  };
  for (const event of events) {
    if (event.kind === 'put') replace(draft, { key: event.kv.key, prefix }, event.kv);
    else replace(draft, { key: event.key, prefix }, undefined);
  }
  noteOverlaps(draft, prefix);
  return { revision, ...draft };
}

type Draft = {
  readonly pools: Map<string, Pool>;
  readonly hosts: Map<NodeId, HostRecord & Stored>;
  readonly alive: Set<NodeId>;
  readonly blocks: Map<string, StoredBlock>;
  readonly problems: Map<string, string>;
};

/** Whatever a key holds, it must not end the agent: what is not understood is told. */
function replace(
  draft: Draft,
  { key, prefix }: { key: string; prefix: string },
  kv: KeyValue | undefined,
): void {
  draft.problems.delete(key);
  const path = key.slice(prefix.length + 1);
  const slash = path.indexOf('/');
  const [room, name] = [path.slice(0, slash), path.slice(slash + 1)];
  forget(draft, room, name);
  if (kv === undefined) return;
  try {
    place(draft, { room, name }, kv);
  } catch (error) {
    draft.problems.set(key, cutForeign(messageOf(error)));
  }
}

function forget(draft: Draft, room: string, name: string): void {
  if (isRoom(room)) draft[room].delete(name);
}

function isRoom(room: string): room is 'pools' | 'hosts' | 'alive' | 'blocks' {
  return ['pools', 'hosts', 'alive', 'blocks'].includes(room);
}

function place(draft: Draft, { room, name }: { room: string; name: string }, kv: KeyValue): void {
  const { value, createRevision, modRevision } = kv;
  const stored = { createRevision, modRevision };
  if (room === 'pools') draft.pools.set(name, parsePool(name, value));
  else if (room === 'hosts') draft.hosts.set(name, { ...parseHost(name, value), ...stored });
  else if (room === 'alive') draft.alive.add(name);
  else if (room === 'blocks') draft.blocks.set(name, { ...parseBlock(name, value), ...stored });
  else throw new Error('expected a key below pools, hosts, alive or blocks');
}

/** Anew each time: what is overlapped with is another key. */
function noteOverlaps({ blocks, problems }: Draft, prefix: string): void {
  for (const name of blocks.keys()) problems.delete(`${prefix}/blocks/${name}`);
  for (const [name, winner] of overlappedBlocks(blocks)) {
    const text = `overlaps with ${winner}, which is older and holds: remove this one's containers, and the key`;
    problems.set(`${prefix}/blocks/${name}`, text);
  }
}
