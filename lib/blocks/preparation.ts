import { formatAddress } from '../net/address.ts';
import { asHost, type Cidr, formatCidr } from '../net/cidr.ts';
import { nameOf } from './block-name.ts';
import { announcedOf, type Own } from './own.ts';

/** Sees to it that there is a way to what is this host's before a container has an address of it. */
export class Preparation {
  readonly #prepare: (own: readonly Cidr[]) => Promise<void>;
  #ready: ReadonlySet<string> = new Set();

  constructor(prepare: (own: readonly Cidr[]) => Promise<void>) {
    this.#prepare = prepare;
  }

  /** Prepares all, where anything is new; what was ready stays so though that fails. */
  async ensure(own: Own): Promise<void> {
    const pending = own.blocks.filter(({ state }) => state === 'pending');
    const wanted = [...announcedOf(own), ...pending.map(({ cidr }) => cidr)];
    const texts = new Set(wanted.map(formatCidr));
    this.#ready = this.#ready.intersection(texts);
    if (this.#ready.size === texts.size) return;
    await this.#prepare(wanted);
    this.#ready = texts;
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
}
