import { observeRules } from '../exec/observe.ts';
import { isSameTable } from '../nft/parse.ts';
import type { Records } from './records.ts';
import type { RulesParts } from './remove-rules.ts';
import { crowdedTables, fingerprintOf, nameTable, type Rules, type Standing, tablesOf } from './rules.ts';

/**
 * Step 4 of an ADD for its rules: what of the shared ones stands. The kernel tells of tables that have no element for each
 * attachment; of the others an ADD only knows what earlier ones have written, because asking would take longer the more
 * attachments there are (4,000 elements: 80 ms).
 */
export function observeStanding(rules: Rules, { machine, records }: RulesParts): Standing {
  const crowded = crowdedTables(rules);
  const others = tablesOf(rules).filter((table) => !crowded.some((each) => isSameTable(each, table)));
  const written = crowded.filter((table) =>
    records.isSharedWritten(nameTable(table), fingerprintOf(rules, table)),
  );
  return { listing: observeRules(machine, others), writtenBefore: new Set(written.map(nameTable)) };
}

/** Notes what an ADD has now written of tables of which the kernel is not asked. */
export function noteShared(rules: Rules, { writtenBefore }: Standing, records: Records): void {
  for (const table of crowdedTables(rules)) {
    const name = nameTable(table);
    if (!writtenBefore.has(name)) records.noteSharedWritten(name, fingerprintOf(rules, table));
  }
}
