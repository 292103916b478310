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
  if (rules.own.length === 0)
    return { listing: observeRules(machine, tablesOf(rules)), writtenBefore: new Set() };
  const written = sharedParts(rules).filter((part) => records.isSharedWritten(part));
  return { listing: emptyListing, writtenBefore: new Set(written.map(({ name }) => name)) };
}

/** Notes what an ADD with elements of its own has written now. */
export function noteShared(rules: Rules, { writtenBefore }: Standing, records: Records): void {
  if (rules.own.length === 0) return;
  for (const part of sharedParts(rules)) if (!writtenBefore.has(part.name)) records.noteSharedWritten(part);
}
