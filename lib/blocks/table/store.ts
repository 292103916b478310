import type { Compare, Etcd, Write } from '../../etcd/etcd.ts';
import type { Block } from './block.ts';
import { nameOf } from './block-name.ts';
import { renderBlock } from './block-text.ts';
import type { KnownTable } from './known-table.ts';
import type { StoredBlock } from './overlap.ts';
import type { BlockTable } from './table.ts';

/**
 * The keys of the blocks. Each write is made only if its key still is as it was read; `false` says that it is not, and then
 * everything is read anew before the next.
 *
 * A write of which the answer was lost may have been made, or may be made yet. So its key is written once more, as it is
 * found, before anything is decided: after that the lost one can come no more.
 */
export class BlockStore {
  readonly #etcd: Etcd;
  readonly #prefix: string;
  readonly #known: KnownTable;
  /** By name: the revision that the lost write required. */
  readonly #unsure = new Map<string, number>();

  constructor(etcd: Etcd, prefix: string, known: KnownTable) {
    this.#etcd = etcd;
    this.#prefix = prefix;
    this.#known = known;
  }

  /** For a block that an earlier run of this host may have been writing to. */
  doubt(block: StoredBlock): void {
    this.#unsure.set(nameOf(block), block.modRevision);
  }

  /**
   * The table as it is after all that this host has written.
   * @throws EtcdError
   */
  async settledTable(signal: AbortSignal): Promise<BlockTable> {
    for (;;) {
      const table = this.#known.current ?? (await this.#read(signal));
      const name = this.#nextUnsure(table);
      if (name === undefined) return table;
      const block = table.blocks.get(name);
      if (block !== undefined) await this.rewrite(block, block, signal);
    }
  }

  /**
   * Makes a block where there is none of that name.
   * @throws EtcdError
   */
  async claim(block: Block, signal: AbortSignal): Promise<boolean> {
    const revision = await this.#commit(this.#put(block), 0, signal);
    // An older block may overlap with it that was not known yet.
    this.#known.outdate();
    return revision !== undefined;
  }

  /** @throws EtcdError */
  async rewrite(before: StoredBlock, block: Block, signal: AbortSignal): Promise<boolean> {
    const revision = await this.#commitSurely(before, this.#put(block), signal);
    if (revision === undefined) return false;
    const { createRevision } = before;
    this.#known.apply(nameOf(before), { ...block, createRevision, modRevision: revision }, revision);
    return true;
  }

  /** @throws EtcdError */
  async remove(block: StoredBlock, signal: AbortSignal): Promise<boolean> {
    const write: Write = { kind: 'delete', key: this.#keyOf(nameOf(block)) };
    const revision = await this.#commitSurely(block, write, signal);
    if (revision !== undefined) this.#known.apply(nameOf(block), undefined, revision);
    return revision !== undefined;
  }

  async #read(signal: AbortSignal): Promise<BlockTable> {
    return this.#known.replace(await this.#etcd.list(`${this.#prefix}/`, signal));
  }

  /** Those whose key has changed since are settled by that. */
  #nextUnsure({ blocks }: BlockTable): string | undefined {
    for (const [name, modRevision] of this.#unsure)
      if (blocks.get(name)?.modRevision !== modRevision) this.#unsure.delete(name);
    return this.#unsure.keys().next().value;
  }

  /** @returns the revision of the write; undefined where it was not made */
  async #commitSurely(before: StoredBlock, write: Write, signal: AbortSignal): Promise<number | undefined> {
    this.#unsure.set(nameOf(before), before.modRevision);
    const revision = await this.#commit(write, before.modRevision, signal);
    this.#unsure.delete(nameOf(before));
    return revision;
  }

  /** @returns the revision of the write; undefined where it was not made */
  async #commit(write: Write, required: number, signal: AbortSignal): Promise<number | undefined> {
    const target = required === 0 ? 'create-revision' : 'mod-revision';
    const compare: Compare = { key: write.key, target, equals: required };
    try {
      const { succeeded, revision } = await this.#etcd.commit(
        { compare: [compare], writes: [write] },
        signal,
      );
      if (succeeded) return revision;
    } catch (error) {
      this.#known.outdate();
      throw error;
    }
    this.#known.outdate();
    return undefined;
  }

  #put(block: Block): Write {
    return { kind: 'put', key: this.#keyOf(nameOf(block)), value: renderBlock(block) };
  }

  #keyOf(name: string): string {
    return `${this.#prefix}/blocks/${name}`;
  }
}
