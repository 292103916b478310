import { type Cidr, cidrsOverlap, isWithin } from '../../net/cidr.ts';
import type { Block, Stored } from './block.ts';

/** A block as etcd has it. */
export type StoredBlock = Block & Stored;

/** Whether its key still says what it is. */
export function isWritable({ isOverwritten }: Stored): boolean {
  return isOverwritten !== true;
}

/**
 * The blocks that an older one overlaps with, each with the name of that one. Two can come about only where somebody has
 * changed a pool's block size or has written a key by hand; the older holds, for its host may have leased from it first.
 */
export function overlappedBlocks(blocks: ReadonlyMap<string, StoredBlock>): ReadonlyMap<string, string> {
  const losers = new Map<string, string>();
  for (const cluster of clustersOf([...blocks])) {
    const winners: Named[] = [];
    for (const one of cluster.toSorted(byAge)) {
      const winner = winners.find(([, { cidr }]) => cidrsOverlap(cidr, one[1].cidr));
      if (winner === undefined) winners.push(one);
      else losers.set(one[0], winner[0]);
    }
  }
  return losers;
}

type Named = readonly [name: string, block: StoredBlock];

/** Networks are apart, or one has all of the other: so what overlaps stands together behind the widest. */
function clustersOf(blocks: readonly Named[]): readonly (readonly Named[])[] {
  const clusters: Named[][] = [];
  let widest: Cidr | undefined;
  for (const one of blocks.toSorted(byPlace)) {
    const { cidr } = one[1];
    if (widest !== undefined && isWithin(cidr, widest)) clusters.at(-1)?.push(one);
    else {
      clusters.push([one]);
      widest = cidr;
    }
  }
  return clusters.filter(({ length }) => length > 1);
}

function byPlace([, { cidr: one }]: Named, [, { cidr: other }]: Named): number {
  if (one.address.family !== other.address.family) return one.address.family - other.address.family;
  if (one.address.bits !== other.address.bits) return one.address.bits < other.address.bits ? -1 : 1;
  return one.prefixLength - other.prefixLength;
}

function byAge([name, one]: Named, [otherName, other]: Named): number {
  return one.createRevision - other.createRevision || (name < otherName ? -1 : 1);
}
