import { type Cidr, lastAddress } from '../../net/cidr.ts';
import { hash64 } from '../../net/hash.ts';
import { countOf, type Run, subnetOf, takenRuns } from '../../net/runs.ts';
import type { SubnetRange } from '../../overlay/lease/network-config.ts';
import type { NodeId } from '../table/block.ts';
import type { Pool } from '../table/pool.ts';

/**
 * A block of the pool that nothing in `taken` overlaps with; undefined where there is none. The search begins at a place
 * that the host's id decides and goes round: hosts that begin together do not all want the first, and one that begins anew
 * finds the block that it had.
 */
export function nextFreeBlock(pool: Pool, taken: readonly Cidr[], node: NodeId): Cidr | undefined {
  const blocks = blocksOf(pool);
  const count = countOf(blocks);
  const begin = BigInt(`0x${hash64(`${pool.name} ${node}`)}`) % count;
  const runs = takenRuns(blocks, taken);
  const number = [firstFrom(begin, runs), firstFrom(0n, runs)].find((found) => found < count);
  return number === undefined ? undefined : subnetOf(number, blocks);
}

/** How many blocks a pool has room for. */
export function blockCountOf(pool: Pool): bigint {
  return countOf(blocksOf(pool));
}

/** The first number from there on that is in no run; it may lie behind the pool. */
function firstFrom(begin: bigint, runs: readonly Run[]): bigint {
  const around = runs.find(({ first, last }) => first <= begin && begin <= last);
  // No run touches the next.
  return around === undefined ? begin : around.last + 1n;
}

function blocksOf({ cidr, blockLength }: Pool): SubnetRange {
  return { network: cidr, subnetLength: blockLength, min: cidr.address, max: lastAddress(cidr) };
}
