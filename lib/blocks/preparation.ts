import { formatAddress } from '../net/address.ts';
import { asHost, formatCidr } from '../net/cidr.ts';
import type { Reachability } from '../routing/router.ts';
import type { BlockHolderOptions } from './holder-options.ts';
import { nameOf } from './table/block-name.ts';
import { announcedOf, type Own } from './table/own.ts';
import type { BlockTable } from './table/table.ts';

export type PreparationOptions = Pick<BlockHolderOptions, 'node' | 'prepare' | 'nowMs'>;

/** For so long a route to the host that had borrowed an address may still go: BIRD is told, and works on by itself. */
const restMs = 1_000;

/** Sees to it that there is a way to what is this host's before a container has an address of it. */
export class Preparation {
  readonly #options: PreparationOptions;
  #ready: ReadonlySet<string> = new Set();
  #lent: ReadonlySet<string> = new Set();
  /** Addresses that came back from a loan, by text, with when the way to their borrower was taken away. */
  readonly #returned = new Map<string, number | undefined>();

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** Prepares all, where anything is new; what was ready stays so though that fails. */
  async ensure(own: Own, table: BlockTable): Promise<void> {
    this.#noteReturned(own);
    const pending = own.blocks.filter(({ state }) => state === 'pending');
    const wanted = [...announcedOf(own), ...pending.map(({ cidr }) => cidr)];
    const texts = new Set(wanted.map(formatCidr));
    this.#ready = this.#ready.intersection(texts);
    if (this.#ready.size === texts.size && !this.#returned.values().some((at) => at === undefined)) return;
    const { node, prepare, nowMs } = this.#options;
    const wish: Reachability = { node, table, own: wanted };
    await prepare(wish);
    this.#ready = texts;
    for (const [text, at] of this.#returned) this.#returned.set(text, at ?? nowMs());
  }

  /** Names of the blocks to which there is a way. */
  blocksOf({ blocks }: Own): ReadonlySet<string> {
    return new Set(blocks.filter(({ cidr }) => this.#ready.has(formatCidr(cidr))).map(nameOf));
  }

  /** Borrowed addresses to which there is a way, by text. */
  borrowedOf({ borrowed }: Own): ReadonlySet<string> {
    const ready = borrowed.filter(({ address }) => this.#ready.has(formatCidr(asHost(address))));
    return new Set(ready.map(({ address }) => formatAddress(address)));
  }

  /** Addresses that were lent, and to which this host itself may still have a route, by text. */
  get returning(): ReadonlySet<string> {
    return new Set(this.#returned.keys());
  }

  #noteReturned({ blocks }: Own): void {
    const lent = new Set(blocks.flatMap(({ loans }) => [...loans.keys()]));
    const now = this.#options.nowMs();
    for (const [text, at] of this.#returned)
      if (lent.has(text) || (at !== undefined && now - at >= restMs)) this.#returned.delete(text);
    for (const text of this.#lent.difference(lent)) this.#returned.set(text, undefined);
    this.#lent = lent;
  }
}
