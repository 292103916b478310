import { hash64 } from '../net/hash.ts';
import type {
  AddElement,
  AddSet,
  CreateElement,
  NftOperation,
  NftTable,
  RemoveElement,
  WriteChain,
} from '../nft/operation.ts';
import { isSameTable, type ListedElement, type NftListing, ruleComments } from '../nft/parse.ts';
import type { Step } from '../plan/operation.ts';

/** What an attachment needs in nftables. */
export type Rules = {
  /**
   * What attachments have in common, in the order of its making: any number of ADDs may write it at once, and like the
   * bridge it stays when the last container has gone (removing it would race with the next ADD).
   */
  readonly shared: readonly SharedRule[];
  /** What is this attachment's alone, and goes with it. */
  readonly own: readonly OwnRule[];
};

export type SharedRule = AddSet | WriteChain | AddElement | RemoveElement;

export type OwnRule = AddElement | CreateElement | WriteChain;

export const noRules: Rules = { shared: [], own: [] };

/** All that several need. */
export function joinRules(...all: readonly Rules[]): Rules {
  return { shared: all.flatMap(({ shared }) => shared), own: all.flatMap(({ own }) => own) };
}

export function isWithoutRules({ shared, own }: Rules): boolean {
  return shared.length === 0 && own.length === 0;
}

/** The tables that the rules are in. */
export function tablesOf({ shared, own }: Rules): readonly NftTable[] {
  const tables = [...shared, ...own].map(({ table }) => table);
  return [...new Map(tables.map((table) => [nameTable(table), table])).values()];
}

/** What is known of the shared rules before an ADD writes its own. */
export type Standing = {
  /** What the kernel has of those that it was asked for. */
  readonly listing: NftListing;
  /** Names of those that an earlier ADD has written; a foreign program may have taken them away since. */
  readonly writtenBefore: ReadonlySet<string>;
};

/** Writes what is shared where it is absent or altered, and what is the attachment's own, which the undo takes away. */
export function planRules(rules: Rules, standing: Standing): readonly Step[] {
  return [
    ...sharedToWrite(rules, standing).map((operation): Step => ({ place: 'host', operation })),
    ...rules.own.map((operation): Step => ({ place: 'host', operation, undo: removalOf(operation) })),
  ];
}

function sharedToWrite(rules: Rules, { listing, writtenBefore }: Standing): readonly SharedRule[] {
  return missingShared(rules, listing).filter(
    (rule) => !isLasting(rule) || !writtenBefore.has(partOf(rule, rules)),
  );
}

/** A part of the shared rules that is written as a whole: what is in a table with the attachment's elements, or a chain. */
export type SharedPart = {
  readonly name: string;
  /** Tells one text of it from another one, which another version may have written. */
  readonly fingerprint: string;
};

/** The parts of the shared rules; elements are of none. */
export function sharedParts(rules: Rules): readonly SharedPart[] {
  const parts = Map.groupBy(rules.shared.filter(isLasting), (rule) => partOf(rule, rules));
  return [...parts].map(([name, texts]) => ({ name, fingerprint: hash64(JSON.stringify(texts)) }));
}

/** A table in one word. */
export function nameTable({ family, name }: NftTable): string {
  return `${family}_${name}`;
}

/** The name of the part that a rule belongs to; networks have chains of their own in a common table. */
function partOf({ table, ...rule }: AddSet | WriteChain, { own, shared }: Rules): string {
  const name = nameTable(table);
  const elements = [...own, ...shared.filter((each) => !isLasting(each))];
  const isCrowded = elements.some((each) => isSameTable(each.table, table));
  return isCrowded || rule.kind === 'add-set' ? name : `${name}.${rule.chain}`;
}

/** What takes an attachment's own rules away: chains last, because elements lead to them. */
export function removalsOf(own: readonly OwnRule[]): readonly NftOperation[] {
  return own.toReversed().map(removalOf);
}

function removalOf(rule: OwnRule): NftOperation {
  const { table } = rule;
  if (rule.kind === 'write-chain') return { kind: 'delete-chain', table, chain: rule.chain };
  return { kind: 'delete-element', table, set: rule.set, key: rule.key };
}

/** A terse listing does not tell which elements there are; to add one again changes nothing. */
function missingShared({ shared }: Rules, listing: NftListing): readonly SharedRule[] {
  return shared.filter((rule) => !isLasting(rule) || !isThere(rule, listing));
}

/** Elements come and go in what lasts. */
function isLasting(rule: SharedRule): rule is AddSet | WriteChain {
  return rule.kind === 'add-set' || rule.kind === 'write-chain';
}

function isThere(rule: AddSet | WriteChain, listing: NftListing): boolean {
  if (rule.kind === 'write-chain') return isWritten(rule, listing);
  return listing.sets.some(({ table, set }) => isSameTable(table, rule.table) && set === rule.set);
}

/** Whether the chain stands as we would write it. */
export function isWritten(
  { table, chain, rules }: Pick<WriteChain, 'table' | 'chain' | 'rules'>,
  listing: NftListing,
): boolean {
  const found = ruleComments(listing, table, chain);
  return found.length === rules.length && rules.every(({ comment }, at) => comment === found[at]);
}

/** A rule in words, as CHECK names it. */
export function describeRule(rule: SharedRule | OwnRule): string {
  const place = `nftables table ${rule.table.family} ${rule.table.name}`;
  switch (rule.kind) {
    case 'write-chain':
      return `chain ${rule.chain} (${rule.comment}) of ${place}`;
    case 'add-set':
      return `${rule.values === undefined ? 'set' : 'map'} ${rule.set} of ${place}`;
    default:
      return `element ${rule.key.join(' . ')} of ${rule.set} in ${place}`;
  }
}

/** Tells an element from all others, listed or to be written. */
export function identify({ table, set, key }: Pick<ListedElement, 'table' | 'set' | 'key'>): string {
  return `${table.family} ${table.name} ${set}: ${key.join(' . ')}`;
}
