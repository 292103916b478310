import { hash64 } from '../net/hash.ts';

/** A table of our own; what an attachment needs is in such tables alone. */
export type NftTable = { readonly family: 'inet' | 'bridge'; readonly name: NftTableName };

export type NftTableName = 'fairlead' | 'fairlead_portmap' | 'fairlead_firewall';

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

/** Where packets come into a chain by themselves. */
export type ChainHook = {
  readonly type: 'nat' | 'filter';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: string;
};

/** Makes or rewrites a whole chain. */
export type WriteChain = {
  readonly kind: 'write-chain';
  readonly table: NftTable;
  readonly chain: string;
  /** Absent for a chain that only other chains lead to. */
  readonly hook?: ChainHook;
  readonly comment: string;
  readonly rules: readonly NftRule[];
};

/** Makes a set, or a map where its keys have values; nothing where it is there. */
export type AddSet = {
  readonly kind: 'add-set';
  readonly table: NftTable;
  readonly set: string;
  /** The data types that make up one key ("ifname", "ether_addr"). */
  readonly types: readonly string[];
  /** The data types that make up one value ("ipv4_addr", "inet_service", "verdict"). */
  readonly values?: readonly string[];
};

/** An element of a set, or of a map. */
export type NftElement = {
  readonly table: NftTable;
  readonly set: string;
  /** One key: as many parts as the set has types. */
  readonly key: readonly string[];
  /** A map's. */
  readonly value?: readonly string[];
  /** Whose it is: at most 127 printable characters. */
  readonly comment?: string;
};

/** Adds an element; nothing where it is there with the same value. */
export type AddElement = { readonly kind: 'add-element' } & NftElement;

/** Adds an element that nobody else may have: fails where it is there. */
export type CreateElement = {
  readonly kind: 'create-element';
  /** What having it means, in words for who cannot have it ("host port 8080/tcp"). */
  readonly what: string;
} & NftElement;

/** Has an element absent, whether it was there or not; its set must be there. */
export type RemoveElement = { readonly kind: 'remove-element' } & Pick<NftElement, 'table' | 'set' | 'key'>;

/** What `nft` does; one or more lines of its script each, all lines of a script in one transaction. */
export type NftOperation =
  | WriteChain
  | AddSet
  | AddElement
  | CreateElement
  | RemoveElement
  | ({ readonly kind: 'delete-element' } & Pick<NftElement, 'table' | 'set' | 'key'>)
  | { readonly kind: 'delete-chain'; readonly table: NftTable; readonly chain: string }
  | { readonly kind: 'delete-table'; readonly table: NftTable };
