import { observeRules } from '../exec/observe.ts';
import { emptyListing } from '../nft/parse.ts';
import type { Records } from './records.ts';
import type { RulesParts } from './remove-rules.ts';
import { type Rules, type Standing, sharedParts, tablesOf } from './rules.ts';

/**
 * Step 4 of an ADD for its rules: what of the shared ones stands. Where it has elements of its own, an ADD goes by what
 * earlier ones have noted: whoever flushes the ruleset takes the sets with it, so nft then refuses the elements. The kernel
 * is asked by who has nothing but shared rules: to list one chain, nft reads all
 * elements of its table (4,000: 80 ms). A single chain that somebody else removes is found by CHECK and by the agent.
 */
export function observeStanding(rules: Rules, { machine, records }: RulesParts): Standing {
  if (!hasElements(rules))
    return { listing: observeRules(machine, tablesOf(rules)), writtenBefore: new Set() };
  const written = sharedParts(rules).filter((part) => records.isSharedWritten(part));
  return { listing: emptyListing, writtenBefore: new Set(written.map(({ name }) => name)) };
}

/** Notes what an ADD with elements of its own has written now. */
export function noteShared(rules: Rules, { writtenBefore }: Standing, records: Records): void {
  if (!hasElements(rules)) return;
  for (const part of sharedParts(rules)) if (!writtenBefore.has(part.name)) records.noteSharedWritten(part);
}

/** Elements that have no place tell of a table that has gone, whoever they are for. */
function hasElements({ shared, own }: Rules): boolean {
  return own.length > 0 || shared.some(({ kind }) => kind === 'add-element' || kind === 'remove-element');
}
