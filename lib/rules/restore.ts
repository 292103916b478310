import type { NftOperation } from '../nft/operation.ts';
import type { ListedRules } from './listed-rules.ts';
import type { RulesOwner, RulesRecord } from './record.ts';
import { identify, nameTable, type OwnRule, removalsOf, type SharedRule } from './rules.ts';

/** What of the attachments' rules the kernel lacks. */
export type Restoration = {
  /** What they have in common, each once, in the order of its making. */
  readonly shared: readonly SharedRule[];
  readonly own: readonly LackingRecord[];
  /** What an attachment cannot have because another has it, in words. */
  readonly conflicts: readonly string[];
};

/** An attachment and the part of its own rules that is missing. */
export type LackingRecord = { readonly record: RulesRecord; readonly lacking: readonly OwnRule[] };

/** Compares the rules of attachments with all that the kernel has. */
export function planRestore(records: readonly RulesRecord[], listed: ListedRules): Restoration {
  const own = records.map((record) => ({
    record,
    lacking: record.rules.own.filter((rule) => !listed.has(rule)),
  }));
  return {
    shared: planShared(records, listed),
    own: own.filter(({ record, lacking }) => lacking.length > 0 && !isOusted(record, listed)),
    conflicts: records.flatMap((record) => describeConflicts(record, listed)),
  };
}

/**
 * An ADD by another version of ours, or of a network whose configuration was changed, may have written the same chain
 * otherwise: then either way is right, and only what is as nobody wants it is written anew.
 */
function planShared(records: readonly RulesRecord[], listed: ListedRules): readonly SharedRule[] {
  const versions = Map.groupBy(
    records.flatMap(({ rules }) => rules.shared),
    nameOf,
  );
  return [...versions.values()]
    .filter((wished) => !wished.some((rule) => listed.has(rule)))
    .flatMap((wished) => mostWished(wished) ?? []);
}

function nameOf(rule: SharedRule): string {
  if (rule.kind === 'add-element' || rule.kind === 'remove-element') return `element ${identify(rule)}`;
  return `${rule.kind} ${nameTable(rule.table)} ${rule.kind === 'add-set' ? rule.set : rule.chain}`;
}

function mostWished(versions: readonly SharedRule[]): SharedRule | undefined {
  const counted = [...Map.groupBy(versions, (rule) => JSON.stringify(rule)).values()];
  return counted.toSorted((one, other) => other.length - one.length)[0]?.[0];
}

/**
 * Whether another attachment has something that only one can have. Then nothing is put back: a DEL that finds all of it
 * there would take the other's away.
 */
function isOusted(record: RulesRecord, listed: ListedRules): boolean {
  return describeConflicts(record, listed).length > 0;
}

function describeConflicts({ owner, rules }: RulesRecord, listed: ListedRules): readonly string[] {
  return rules.own.flatMap((rule) => {
    if (rule.kind !== 'create-element' || !listed.has(rule) || listed.hasOwn(rule)) return [];
    return [`${describeOwner(owner)}: ${rule.what} is ${listed.holderOf(rule) || 'somebody'}'s by now`];
  });
}

/** What takes away all that the kernel still has of attachments that are no more, and nothing of their successors. */
export function planClearing(records: readonly RulesRecord[], listed: ListedRules): readonly NftOperation[] {
  return records.flatMap(({ rules }) => removalsOf(rules.own.filter((rule) => listed.hasOwn(rule))));
}

/** An attachment in words. */
export function describeOwner({ network, containerId, ifName }: RulesOwner): string {
  return `container ${containerId}, interface ${ifName}, of network ${network}`;
}
