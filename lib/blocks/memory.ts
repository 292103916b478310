import { formatAddress } from '../net/address.ts';
import type { NodeId } from './table/block.ts';
import { nameOf, renderBlockName } from './table/block-name.ts';
import type { StoredBlock } from './table/overlap.ts';
import { ownOf } from './table/own.ts';
import type { BlockTable } from './table/table.ts';

/**
 * What a host has had, for the case that etcd loses it: then whoever had something claims it again, and gives what was lent
 * to whom it was lent.
 */
export class Memory {
  readonly #blocks = new Map<string, StoredBlock>();
  readonly #lent = new Map<string, StoredBlock>();
  #present: readonly string[] = [];

  /** This host's blocks as they were last, by name. */
  get blocks(): ReadonlyMap<string, StoredBlock> {
    return this.#blocks;
  }

  /** The others' blocks that it had borrowed addresses of, by the address's text. */
  get lent(): ReadonlyMap<string, StoredBlock> {
    return this.#lent;
  }

  /**
   * Takes in what etcd has: what is another's there is another's by right, only what is not there is remembered.
   * @returns whether a block has gone that this host has not given back
   */
  note(table: BlockTable, node: NodeId): boolean {
    const { blocks, borrowed } = ownOf(table, node);
    const isLost = this.#present.some((name) => this.#blocks.has(name) && !table.blocks.has(name));
    this.#present = blocks.map(nameOf);
    for (const name of this.#blocks.keys()) if (table.blocks.has(name)) this.#blocks.delete(name);
    for (const block of blocks) this.#blocks.set(nameOf(block), block);
    for (const [text, { cidr }] of this.#lent)
      if (table.blocks.has(renderBlockName(cidr))) this.#lent.delete(text);
    for (const { address, block } of borrowed) this.#lent.set(formatAddress(address), block);
    return isLost;
  }

  /** For a block that this host gives back. */
  forget(block: StoredBlock): void {
    this.#blocks.delete(nameOf(block));
  }
}
