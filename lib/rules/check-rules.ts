import { wrong } from '../errors/wrong.ts';
import { observeTables } from '../exec/observe.ts';
import { ListedRules } from './listed-rules.ts';
import type { RulesOwner } from './record.ts';
import { recordsDirectory } from './records.ts';
import type { RulesParts } from './remove-rules.ts';
import { describeRule, tablesOf } from './rules.ts';

/** What is to be checked. */
export type RulesCheck = {
  readonly owner: RulesOwner;
  /** Whether an ADD of ours has written rules for the attachment, as far as its configuration and its links tell. */
  readonly isExpected: boolean;
};

/**
 * Whether all rules that an ADD has written for the attachment are there, as it has written them.
 * @throws CniError code 999 naming the first one that is not, or where nothing tells which there should be
 */
export function checkRules({ owner, isExpected }: RulesCheck, { machine, records }: RulesParts): void {
  const recorded = records.get(owner);
  if (recorded.kind !== 'recorded') {
    if (isExpected) throw wrong(`nothing below ${recordsDirectory} tells which rules it has`);
    return;
  }
  const { rules } = recorded.record;
  const listing = observeTables(machine, tablesOf(rules));
  const [first] = new ListedRules(listing).missing(rules);
  if (first !== undefined) throw wrong(`${describeRule(first)} is missing or altered`);
}
