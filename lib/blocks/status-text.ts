import type { IpAddress } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';
import { formatCidr, isWithin } from '../net/cidr.ts';
import { blockCountOf } from './decide/free-block.ts';
import { hasAddress, type ShareRange } from './share/share.ts';
import { describeRange } from './share/share-publisher.ts';
import { rangeSize } from './share/share-ranges.ts';
import type { BlockStatus, HostStatus, IpamStatus, PoolStatus } from './status.ts';
import type { NodeId } from './table/block.ts';
import { sizeOf } from './table/block-size.ts';
import type { HostRecord } from './table/host.ts';
import type { StoredBlock } from './table/overlap.ts';
import { poolOf } from './table/own.ts';
import type { Pool } from './table/pool.ts';
import type { BlockTable } from './table/table.ts';

/** What the status is made of. */
export type StatusSource = Pick<IpamStatus, 'node' | 'network' | 'suspects' | 'reclaimed' | 'problems'> & {
  readonly etcd: { readonly endpoint: string; readonly away: string | undefined };
  readonly table: BlockTable;
  readonly ranges: readonly ShareRange[];
  readonly leased: readonly IpAddress[];
};

/** What `GET /v1/ipam` tells. */
export function toIpamStatus({ etcd, table, ranges, leased, ...same }: StatusSource): IpamStatus {
  return {
    ...same,
    etcd: {
      endpoint: etcd.endpoint,
      isConnected: etcd.away === undefined,
      ...(etcd.away === undefined ? {} : { because: etcd.away }),
    },
    pools: [...table.pools.values()].map((pool) => toPoolStatus(pool, table)),
    blocks: [...table.blocks.values()].map((block) => toBlockStatus(block, table)),
    hosts: [...table.hosts.values()].map((host) => toHostStatus(host, table)),
    share: toShareStatus(ranges, leased),
  };
}

function toPoolStatus(pool: Pool, { blocks }: BlockTable): PoolStatus {
  const inside = [...blocks.values()].filter(({ cidr }) => isWithin(cidr, pool.cidr));
  const { name, blockLength, natOutgoing, isDisabled } = pool;
  return {
    name,
    cidr: formatCidr(pool.cidr),
    blockLength,
    natOutgoing,
    isDisabled,
    blocks: String(blockCountOf(pool)),
    taken: inside.length,
    used: sumOf(inside),
  };
}

function toBlockStatus(block: StoredBlock, table: BlockTable): BlockStatus {
  const { cidr, node, state, used, loans } = block;
  return {
    cidr: formatCidr(cidr),
    pool: poolOf(table, cidr)?.name ?? '',
    node,
    host: hostName(table, node),
    isHostAlive: table.alive.has(node),
    state,
    size: String(sizeOf(cidr)),
    used,
    loans: [...loans].map(([address, loan]) => ({ address, host: hostName(table, loan.node) })),
  };
}

function toHostStatus({ node, name, addresses }: HostRecord, { blocks, alive }: BlockTable): HostStatus {
  const own = [...blocks.values()].filter((block) => block.node === node);
  return {
    node,
    name,
    addresses: Object.values(addresses).map(formatAddress),
    isAlive: alive.has(node),
    blocks: own.length,
    used: sumOf(own),
  };
}

function toShareStatus(ranges: readonly ShareRange[], leased: readonly IpAddress[]): IpamStatus['share'] {
  const taken = leased.filter((address) => hasAddress({ ranges }, address)).length;
  const size = ranges.reduce((sum, range) => sum + rangeSize(range), 0);
  return { ranges: ranges.map(describeRange), leased: taken, free: size - taken };
}

function sumOf(blocks: readonly StoredBlock[]): number {
  return blocks.reduce((sum, { used }) => sum + used, 0);
}

/** A host's name, or its id where it has told none. */
export function hostName({ hosts }: Pick<BlockTable, 'hosts'>, node: NodeId): string {
  return hosts.get(node)?.name ?? node;
}
