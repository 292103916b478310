import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';

/** A packet filter's rules of forwarding, whichever tool wrote them; what cannot be told of a rule is `unknown`. */
export type Firewall = {
  /** Where packets that are forwarded enter. */
  readonly entries: readonly EntryChain[];
  readonly chains: ReadonlyMap<string, readonly FilterRule[]>;
};

/** A chain by which every forwarded packet has to go. */
export type EntryChain = {
  /** In `chains`. */
  readonly id: string;
  /** For the operator: "chain FORWARD of table ip filter". */
  readonly title: string;
  readonly place: FilterPlace;
  /** Whose packets come by: routed ones of a family, or frames that stay within a bridge. */
  readonly sees: readonly (Family | 'frames')[];
  readonly policy: 'accept' | 'drop';
};

/** Where a chain is, which says how a rule is added to it. */
export type FilterPlace =
  | {
      readonly kind: 'nft';
      readonly family: string;
      readonly table: string;
      readonly chain: string;
      /** The names of the table's other chains, by which its owner is known. */
      readonly neighbours: readonly string[];
    }
  | { readonly kind: 'iptables-legacy'; readonly program: 'iptables-legacy' | 'ip6tables-legacy' };

export type FilterRule = {
  readonly match: Match;
  readonly outcome: RuleOutcome;
};

/** Which packets a rule is for. */
export type Match = readonly Condition[];

export type Condition =
  /** Names of interfaces; one that ends with `*` stands for all that begin so. */
  | { readonly by: 'in' | 'out'; readonly isNot: boolean; readonly names: readonly string[] }
  /** States of a connection, or what was done to it: "new", "established", "related", "invalid", "dnat". */
  | { readonly by: 'state'; readonly isNot: boolean; readonly names: readonly string[] }
  | { readonly by: 'source' | 'destination'; readonly isNot: boolean; readonly networks: readonly Cidr[] }
  /** The mark of containers that the plugin `firewall` lets through. */
  | { readonly by: 'admitted'; readonly isNot: boolean }
  | { readonly by: 'unknown' };

export type RuleOutcome =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** Packets that are forwarded, as far as a filter is asked what becomes of them. */
export type Flow = {
  /** Names of interfaces; one that ends with `*` stands for all that begin so, as in a condition. */
  readonly from: string;
  readonly to: string;
  /** As what they come by a filter. */
  readonly as: Family | 'frames';
  /** Of a connection: its first packet, or its answers. */
  readonly state: 'new' | 'established';
  /** The networks between which they go; undefined for anywhere. */
  readonly source: Cidr | undefined;
  readonly destination: Cidr | undefined;
  /** What a rule that lets them through is to go by: the links, or the networks where links come and go. */
  readonly toldBy: 'links' | 'networks';
  /** How much of it bears the mark of containers that the plugin `firewall` lets through; absent where nobody has looked. */
  readonly admitted?: Admitted;
};

/** `unmarkable` is what the plugin marks for no container: connections that others begin. */
export type Admitted = 'all' | 'some' | 'none' | 'no containers' | 'unmarkable';
