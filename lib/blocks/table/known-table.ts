import type { Range } from '../../etcd/etcd.ts';
import type { Followed } from '../../etcd/follow.ts';
import type { StoredBlock } from './overlap.ts';
import { type BlockTable, emptyBlockTable } from './table.ts';
import { blockTableOf, updateBlockTable } from './update-table.ts';

/** For so long the follower may be behind what this host has written, before everything is read instead. */
const patienceMs = 3_000;

/**
 * What this host knows of etcd: what the follower tells, and what it has written itself. A table that is older than its own
 * last write is never shown: what has just been lent would be leased once more.
 */
export class KnownTable {
  readonly #prefix: string;
  readonly #nowMs: () => number;
  /** As the follower tells it. */
  #followed: BlockTable | undefined;
  /** With our own writes since. */
  #own: BlockTable | undefined;
  #ownRevision = 0;
  #writtenAtMs = 0;
  #isOutdated = false;

  constructor(prefix: string, nowMs: () => number) {
    this.#prefix = prefix;
    this.#nowMs = nowMs;
  }

  /** As the follower has last told it, whatever was written since; undefined before the first. */
  get followed(): BlockTable | undefined {
    return this.#followed;
  }

  hear(followed: Followed): void {
    if (followed.kind === 'lost') return;
    const before = this.#followed;
    // Another cluster answers at the same address, or one that was restored from a backup: our writes count no more.
    if (before !== undefined && followed.revision < before.revision) this.#ownRevision = 0;
    this.#followed = updateBlockTable(before ?? emptyBlockTable, followed, this.#prefix);
  }

  /** Undefined while everything is to be read anew. */
  get current(): BlockTable | undefined {
    if (this.#isOutdated || this.#followed === undefined) return undefined;
    if (this.#followed.revision >= this.#ownRevision) return this.#followed;
    return this.#nowMs() - this.#writtenAtMs < patienceMs ? this.#own : undefined;
  }

  /** Takes in what was read. @returns what that says */
  replace(range: Range): BlockTable {
    // What is not understood any more is what it was when it was last.
    const last = this.#newer();
    this.#isOutdated = false;
    const table = blockTableOf(range, this.#prefix, last);
    this.#noteOwn(table);
    return table;
  }

  /** Takes in what was written, at the revision that it got; without a block, what was deleted. */
  apply(name: string, block: StoredBlock | undefined, revision: number): void {
    const before = this.current;
    if (before === undefined) return;
    const blocks = new Map(before.blocks);
    if (block === undefined) blocks.delete(name);
    else blocks.set(name, block);
    this.#noteOwn({ ...before, revision, blocks });
  }

  /** A write was refused, or its answer was lost. */
  outdate(): void {
    this.#isOutdated = true;
  }

  #newer(): BlockTable | undefined {
    const [followed, own] = [this.#followed, this.#own];
    return (own?.revision ?? 0) > (followed?.revision ?? 0) ? own : followed;
  }

  #noteOwn(table: BlockTable): void {
    this.#own = table;
    this.#ownRevision = table.revision;
    this.#writtenAtMs = this.#nowMs();
  }
}
