import type { IpAddress } from '../../net/address.ts';
import { asHost, type Cidr, isWithin } from '../../net/cidr.ts';
import type { NodeId } from './block.ts';
import { nameOf } from './block-name.ts';
import { overlappedBlocks, type StoredBlock } from './overlap.ts';
import type { Pool } from './pool.ts';
import type { BlockTable } from './table.ts';

/** What of the cluster's addresses is one host's. */
export type Own = {
  readonly blocks: readonly StoredBlock[];
  readonly borrowed: readonly Borrowed[];
  /** Blocks that it has made, and that are not its own, since an older one overlaps with them. */
  readonly overlapped: readonly StoredBlock[];
};

/** An address that is one host's, in a block that is another's. */
export type Borrowed = { readonly address: IpAddress; readonly block: StoredBlock };

/** What the table says is a host's: the same object as long as the blocks are the same. */
export function ownOf({ blocks }: Pick<BlockTable, 'blocks'>, node: NodeId): Own {
  const known = knownOwn.get(blocks);
  if (known?.node === node) return known.own;
  const own = findOwn(blocks, node);
  knownOwn.set(blocks, { node, own });
  return own;
}

/** Every round asks for it several times, and to go through ten thousand blocks takes its time. */
const knownOwn = new WeakMap<BlockTable['blocks'], { readonly node: NodeId; readonly own: Own }>();

function findOwn(blocks: BlockTable['blocks'], node: NodeId): Own {
  const losers = overlappedBlocks(blocks);
  const standing = [...blocks].filter(([name]) => !losers.has(name)).map(([, block]) => block);
  return {
    blocks: standing.filter((block) => block.node === node),
    borrowed: standing.flatMap((block) => borrowedOf(block, node)),
    overlapped: [...losers.keys()].flatMap((name) => blocks.get(name) ?? []).filter((b) => b.node === node),
  };
}

/** The same without blocks of these names. */
export function withoutBlocks(own: Own, names: ReadonlySet<string>): Own {
  return names.size === 0 ? own : { ...own, blocks: own.blocks.filter((block) => !names.has(nameOf(block))) };
}

function borrowedOf(block: StoredBlock, node: NodeId): readonly Borrowed[] {
  if (block.loans.size === 0) return [];
  const loans = [...block.loans.values()].filter((loan) => loan.node === node);
  return loans.map(({ address }) => ({ address, block }));
}

/** What a host tells the others that it has. One that is being released may have containers still. */
export function announcedOf({ blocks, borrowed }: Own): readonly Cidr[] {
  return [
    ...blocks.filter(({ state }) => state !== 'pending').map(({ cidr }) => cidr),
    ...borrowed.map(({ address }) => asHost(address)),
  ];
}

/** The pool that a network is part of, the narrowest where there are several. */
export function poolOf({ pools }: Pick<BlockTable, 'pools'>, cidr: Cidr): Pool | undefined {
  return [...pools.values()]
    .filter((pool) => isWithin(cidr, pool.cidr))
    .toSorted((one, other) => other.cidr.prefixLength - one.cidr.prefixLength)[0];
}
