import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Compare, Etcd, Write } from '../etcd/etcd.ts';
import { formatCidr } from '../net/cidr.ts';
import type { Block, NodeId } from './table/block.ts';
import { renderBlock } from './table/block-text.ts';
import type { StoredBlock } from './table/overlap.ts';
import type { BlockTable } from './table/table.ts';
import { blockTableOf } from './table/update-table.ts';

/** Where the keys are, and which host is meant, by its id or by its name. */
export type HostReleaseRequest = {
  readonly etcd: Etcd;
  /** Without a slash at its end. */
  readonly prefix: string;
  readonly host: string;
  /**
   * Also of a host that is alive, or was a short time ago: its containers run on without an agent. What they use, an agent
   * that lives claims again if nobody is faster.
   */
  readonly force: boolean;
};

/** What became of it. */
export type HostRelease =
  | {
      readonly kind: 'released';
      readonly node: NodeId;
      /** Networks that are free now, or another host's that had borrowed of them. */
      readonly blocks: readonly string[];
      /** Addresses that it had borrowed. */
      readonly loans: readonly string[];
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'alive'; readonly name: string }
  /** Its agent was there so long ago: it may be on its way back, as after an upgrade. */
  | { readonly kind: 'recent'; readonly name: string; readonly secondsAgo: number }
  | { readonly kind: 'ambiguous'; readonly nodes: readonly string[] };

/** A host whose agent was there within this time is not gone for good. */
const recentSeconds = 600;

/** How often in a row the keys may change while they are being written. */
const mostAttempts = 20;

/**
 * Takes from a host that is gone for good everything that it has of the cluster's addresses.
 *
 * What others have borrowed of its blocks stays theirs: such a block goes over to the one that has borrowed most of it.
 * Asking again after a failure is safe.
 * @throws EtcdError; CniError code 11 while others write the same keys again and again
 */
export async function releaseHost(request: HostReleaseRequest): Promise<HostRelease> {
  // Each call of etcd has an end of its own.
  const { signal } = new AbortController();
  const first = await readTable(request, signal);
  const found = findHost(first, request.host);
  if (typeof found !== 'string') return found;
  const present = request.force ? undefined : findPresent(first, found);
  if (present !== undefined) return present;
  const { blocks, loans } = belongingsOf(first, found);
  await removeAll(request, found, signal);
  return { kind: 'released', node: found, blocks, loans };
}

/** A host may have blocks without a record of its own, as after a hand has removed that. */
function findHost(table: BlockTable, host: string): NodeId | HostRelease {
  const owners = [...table.blocks.values()].flatMap(({ node, loans }) => [
    node,
    ...[...loans.values()].map((loan) => loan.node),
  ]);
  if (table.hosts.has(host) || owners.includes(host)) return host;
  const nodes = [...table.hosts.values()].filter(({ name }) => name === host).map(({ node }) => node);
  const [only] = nodes;
  if (only === undefined) return { kind: 'unknown' };
  return nodes.length === 1 ? only : { kind: 'ambiguous', nodes };
}

/** What keeps a host from being released, unless it is by force. */
function findPresent({ hosts, alive }: BlockTable, node: NodeId): HostRelease | undefined {
  const { name = node, lastSeen } = hosts.get(node) ?? {};
  if (alive.has(node)) return { kind: 'alive', name };
  if (lastSeen === undefined) return undefined;
  // The clock of that host may be ahead.
  const secondsAgo = Math.max(0, Math.floor(Date.now() / 1_000) - lastSeen);
  return secondsAgo < recentSeconds ? { kind: 'recent', name, secondsAgo } : undefined;
}

function belongingsOf({ blocks }: BlockTable, node: NodeId): { blocks: string[]; loans: string[] } {
  const all = [...blocks.values()];
  return {
    blocks: all.filter((block) => block.node === node).map(({ cidr }) => formatCidr(cidr)),
    loans: all.flatMap(({ loans }) =>
      [...loans].filter(([, loan]) => loan.node === node).map(([text]) => text),
    ),
  };
}

async function removeAll(request: HostReleaseRequest, node: NodeId, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const table = await readTable(request, signal);
    const changes = [...table.blocks].flatMap(([name, block]) => {
      const write = writeWithout(block, node, { table, key: `${request.prefix}/blocks/${name}` });
      return write === undefined ? [] : [{ write, modRevision: block.modRevision }];
    });
    if (changes.length === 0) return removeHost(request, node, signal);
    for (const { write, modRevision } of changes) {
      const compare: Compare = { key: write.key, target: 'mod-revision', equals: modRevision };
      await request.etcd.commit({ compare: [compare], writes: [write] }, signal);
    }
  }
  throw new CniError(
    ErrorCode.tryAgainLater,
    `the blocks have changed ${mostAttempts} times while those of ${node} were released: try again`,
  );
}

type Where = { readonly table: BlockTable; readonly key: string };

/** What a block's key is to be without a host; undefined where the host has nothing to do with it. */
function writeWithout(block: StoredBlock, node: NodeId, { table, key }: Where): Write | undefined {
  const loans = new Map([...block.loans].filter(([, loan]) => loan.node !== node));
  const wanted = new Map([...block.wanted].filter(([each]) => each !== node));
  if (block.node === node) {
    const heir = heirOf(loans, table);
    return heir === undefined
      ? { kind: 'delete', key }
      : put(key, inherited({ ...block, loans, wanted }, heir));
  }
  if (loans.size === block.loans.size && wanted.size === block.wanted.size) return undefined;
  return put(key, { ...block, loans, wanted });
}

/** Of those that have borrowed, one that is alive, and of these the one with most. */
function heirOf(loans: Block['loans'], { alive }: BlockTable): NodeId | undefined {
  const counts = Map.groupBy(loans.values(), ({ node }) => node);
  const [first] = [...counts].toSorted(
    ([one, ones], [other, others]) =>
      Number(alive.has(other)) - Number(alive.has(one)) || others.length - ones.length,
  );
  return first?.[0];
}

/** It prepares the way to its block as to any other. */
function inherited(block: Block, heir: NodeId): Block {
  const loans = new Map([...block.loans].filter(([, loan]) => loan.node !== heir));
  const wanted = new Map([...block.wanted].filter(([each]) => each !== heir));
  return { ...block, node: heir, state: 'pending', loans, wanted, used: 0 };
}

function put(key: string, block: Block): Write {
  return { kind: 'put', key, value: renderBlock(block) };
}

/** Deleting may be done twice. */
async function removeHost(
  { etcd, prefix }: HostReleaseRequest,
  node: NodeId,
  signal: AbortSignal,
): Promise<void> {
  const keys = [`${prefix}/hosts/${node}`, `${prefix}/alive/${node}`];
  await etcd.commit({ compare: [], writes: keys.map((key) => ({ kind: 'delete', key })) }, signal);
}

async function readTable({ etcd, prefix }: HostReleaseRequest, signal: AbortSignal): Promise<BlockTable> {
  return blockTableOf(await etcd.list(`${prefix}/`, signal), prefix);
}
