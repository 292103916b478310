import { hash64 } from '../net/hash.ts';

/** A table of our own; nothing outside such tables is ever written. */
export type NftTable = { readonly family: 'inet' | 'bridge'; readonly name: 'fairlead' };

/** One rule, made from validated values only. */
export type NftRule = {
  readonly text: string;
  /** Owner and hash of the text: a reader tells by it whether the rule in the kernel is the one it would write. */
  readonly comment: string;
};

/** A rule whose comment is its owner and the hash of its text. */
export function ownedRule(owner: string, text: string): NftRule {
  return { text, comment: `${owner.slice(0, 100)} ${hash64(text).slice(0, 8)}` };
}

/** What `nft` does; one or more lines of its script each, all lines of a script in one transaction. */
export type NftOperation =
  | {
      /** Makes or rewrites the whole chain. */
      readonly kind: 'write-chain';
      readonly table: NftTable;
      readonly chain: string;
      readonly type: 'nat' | 'filter';
      readonly hook: 'prerouting' | 'postrouting';
      readonly priority: string;
      readonly comment: string;
      readonly rules: readonly NftRule[];
    }
  | {
      readonly kind: 'add-set';
      readonly table: NftTable;
      readonly set: string;
      /** The data types that make up one key ("ifname", "ether_addr"). */
      readonly types: readonly string[];
    }
  | {
      readonly kind: 'add-element' | 'delete-element';
      readonly table: NftTable;
      readonly set: string;
      /** One key: as many parts as the set has types. */
      readonly key: readonly string[];
    }
  | { readonly kind: 'delete-chain'; readonly table: NftTable; readonly chain: string }
  | { readonly kind: 'delete-table'; readonly table: NftTable };
