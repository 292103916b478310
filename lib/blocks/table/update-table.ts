import { cutForeign } from '../../daemon/foreign-text.ts';
import { messageOf } from '../../errors/cni-error.ts';
import type { KeyValue, Range, WatchEvent } from '../../etcd/etcd.ts';
import type { Followed } from '../../etcd/follow.ts';
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
      return blockTableOf(followed, prefix, table);
    case 'changes':
      return applyEvents(table, followed, prefix);
    case 'lost':
      return table;
  }
}

/**
 * The table of everything that is below the prefix.
 * @param last as it was known before: what a key said there counts on where it is not understood any more
 */
export function blockTableOf(
  { revision, kvs }: Range,
  prefix: string,
  last: BlockTable = emptyBlockTable,
): BlockTable {
  const events = kvs.map((kv) => ({ kind: 'put', kv }) as const);
  return applyEvents(emptyBlockTable, { revision, events, last }, prefix);
}

type Changes = {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  readonly last?: BlockTable;
};

function applyEvents(table: BlockTable, { revision, events, last }: Changes, prefix: string): BlockTable {
  const draft: Draft = {
    pools: new Map(table.pools),
    hosts: new Map(table.hosts),
    alive: new Set(table.alive),
    blocks: new Map(table.blocks),
    problems: new Map(table.problems),
  };
  for (const event of events) {
    const place = placeOf(keyOf(event), prefix);
    if (event.kind === 'put') put(draft, place, { kv: event.kv, last });
    else remove(draft, place, event.key);
  }
  noteOverlaps(draft, prefix);
  const isAboutBlocks = events.some((event) => placeOf(keyOf(event), prefix).room === 'blocks');
  // What is made of thousands of blocks is made anew only for another map of them.
  return { revision, ...draft, blocks: isAboutBlocks ? draft.blocks : table.blocks };
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.kv.key : event.key;
}

type Draft = {
  readonly pools: Map<string, Pool>;
  readonly hosts: Map<NodeId, HostRecord & Stored>;
  readonly alive: Set<NodeId>;
  readonly blocks: Map<string, StoredBlock>;
  readonly problems: Map<string, string>;
};

type Place = { readonly room: string; readonly name: string };

function placeOf(key: string, prefix: string): Place {
  const path = key.slice(prefix.length + 1);
  const slash = path.indexOf('/');
  return { room: path.slice(0, slash), name: path.slice(slash + 1) };
}

function remove(draft: Draft, { room, name }: Place, key: string): void {
  draft.problems.delete(key);
  if (isRoom(room)) draft[room].delete(name);
}

function isRoom(room: string): room is 'pools' | 'hosts' | 'alive' | 'blocks' {
  return ['pools', 'hosts', 'alive', 'blocks'].includes(room);
}

type Said = { readonly kv: KeyValue; readonly last: BlockTable | undefined };

/**
 * Whatever a key holds, it must not end the agent, nor take away what containers live by: what is not understood is told,
 * and what the key said before counts on.
 */
function put(draft: Draft, at: Place, { kv, last }: Said): void {
  const note = (problem: string) => draft.problems.set(kv.key, cutForeign(problem));
  draft.problems.delete(kv.key);
  try {
    place(draft, at, { kv, note });
  } catch (error) {
    note(messageOf(error));
    keep(draft, at, { kv, last });
  }
}

type Noted = { readonly kv: KeyValue; readonly note: (problem: string) => void };

function place(draft: Draft, { room, name }: Place, { kv, note }: Noted): void {
  const { value, createRevision, modRevision } = kv;
  const stored = { createRevision, modRevision };
  if (room === 'pools') draft.pools.set(name, parsePool(name, value));
  else if (room === 'hosts') draft.hosts.set(name, { ...parseHost(name, value), ...stored });
  else if (room === 'alive') draft.alive.add(name);
  else if (room === 'blocks') draft.blocks.set(name, { ...parseBlock(name, value, note), ...stored });
  else throw new Error('expected a key below pools, hosts, alive or blocks');
}

/** A key that was made anew meanwhile is another one. */
function keep(draft: Draft, { room, name }: Place, { kv, last }: Said): void {
  const { createRevision, modRevision } = kv;
  const marks = { modRevision, isOverwritten: true } as const;
  const pool = draft.pools.get(name) ?? last?.pools.get(name);
  const host = draft.hosts.get(name) ?? last?.hosts.get(name);
  const block = draft.blocks.get(name) ?? last?.blocks.get(name);
  if (isRoom(room)) draft[room].delete(name);
  if (room === 'pools' && pool !== undefined) draft.pools.set(name, pool);
  if (room === 'hosts' && host?.createRevision === createRevision)
    draft.hosts.set(name, { ...host, ...marks });
  if (room === 'blocks' && block?.createRevision === createRevision)
    draft.blocks.set(name, { ...block, ...marks });
}

/** Anew each time: what is overlapped with is another key. */
function noteOverlaps({ blocks, problems }: Draft, prefix: string): void {
  for (const [key, problem] of problems) if (problem.startsWith(overlapping)) problems.delete(key);
  for (const [name, winner] of overlappedBlocks(blocks)) {
    const text = `${overlapping} ${winner}, which is older and holds: remove this one's containers, and the key`;
    const key = `${prefix}/blocks/${name}`;
    if (!problems.has(key)) problems.set(key, text);
  }
}

const overlapping = 'overlaps with';
