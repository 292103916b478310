import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { observeTables } from '../exec/observe.ts';
import { ListedRules } from './listed-rules.ts';
import type { RulesOwner } from './record.ts';
import type { RulesParts } from './remove-rules.ts';
import { describeRule, tablesOf } from './rules.ts';

/**
 * Whether all rules that an ADD has written for the attachment are there, as it has written them.
 * @throws CniError code 999 naming the first one that is not, or where nothing tells which there should be
 */
export function checkRules(owner: RulesOwner, { machine, records }: RulesParts): void {
  const recorded = records.get(owner);
  if (recorded.kind === 'none') return;
  if (recorded.kind === 'unknown')
    throw wrong('the record of its rules below /run/fairlead/rules is missing');
  const { rules } = recorded.record;
  const listing = observeTables(machine, tablesOf(rules));
  const [first] = new ListedRules(listing).missing(rules);
  if (first !== undefined) throw wrong(`${describeRule(first)} is missing or altered`);
}

function wrong(what: string): CniError {
  return new CniError(ErrorCode.internal, `${what}; DEL and ADD the container again`);
}
