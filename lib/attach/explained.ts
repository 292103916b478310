import type { Result } from '../cni/result.ts';
import type { Plan } from '../plan/operation.ts';
import type { RulesParts } from '../rules/remove-rules.ts';
import { observeStanding } from '../rules/standing.ts';
import { type Prepared, wholePlan } from './carry-out.ts';

/** What an ADD would do and answer. */
export type Explained = { readonly plan: Plan; readonly result: Result };

/** What is prepared as it would be carried out now. */
export function explainPrepared(
  prepared: Prepared & { readonly result: Result },
  parts: RulesParts,
): Explained {
  return { plan: wholePlan(prepared, observeStanding(prepared.rules, parts)), result: prepared.result };
}
