import { cidrContains } from '../../net/cidr.ts';
import type { Share } from '../share/share.ts';
import { nameOf } from '../table/block-name.ts';
import type { StoredBlock } from '../table/overlap.ts';
import type { Standing } from './standing.ts';

/** What a block may be known by. */
export type Traces = Pick<Standing, 'own' | 'leased'> & {
  readonly memory: Pick<Standing['memory'], 'blocks'>;
};

/**
 * Finds blocks that etcd says are this host's to lease from, and of which this host knows nothing: etcd was restored from a
 * backup, and since that was made the block may have been given back, and others' containers have addresses of it.
 */
export class UnknownBlocks {
  /** What the run before leased from; a block that is met later is known by memory alone. */
  #before: Pick<Share, 'ranges'> | undefined;
  #unknown: ReadonlySet<string> = new Set();

  /** @param before the share as the run before this one left it, where there was one */
  constructor(before: Pick<Share, 'ranges'> | undefined) {
    this.#before = before;
  }

  /** To be asked before the memory takes the blocks in. @returns their names */
  find(traces: Traces): ReadonlySet<string> {
    const unknown = traces.own.blocks.filter(
      (block) => block.state === 'confirmed' && !this.#isKnown(block, traces),
    );
    this.#before = undefined;
    this.#unknown = new Set(unknown.map(nameOf));
    return this.#unknown;
  }

  #isKnown(block: StoredBlock, { memory, leased }: Traces): boolean {
    const { cidr } = block;
    const name = nameOf(block);
    return (
      (memory.blocks.has(name) && !this.#unknown.has(name)) ||
      this.#before?.ranges.some(({ first }) => cidrContains(cidr, first)) === true ||
      leased.values().some((address) => cidrContains(cidr, address))
    );
  }
}
