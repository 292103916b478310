import { planForgetting } from '../capability/additions.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { CniError } from '../errors/cni-error.ts';
import { failuresOf, withLaterFailures } from '../errors/collect.ts';
import { applyPlan } from '../exec/apply.ts';
import type { Flow } from '../plan/flow.ts';
import type { Plan } from '../plan/operation.ts';
import type { RulesOwner } from '../rules/record.ts';
import type { RulesParts } from '../rules/remove-rules.ts';
import { isWithoutRules, type Rules } from '../rules/rules.ts';
import { explainTakenElement } from '../rules/taken-element.ts';
import { proveAlive } from './liveness.ts';

/** What is to be done for an attachment. */
export type Prepared = {
  /** The whole of it, the rules among it. */
  readonly plan: Plan;
  /** All rules that the attachment needs, those that are there among them. */
  readonly rules: Rules;
  readonly flows: readonly Flow[];
};

/** Who a plan is carried out for. */
export type Beneficiary = {
  readonly attachment: Attachment;
  readonly network: string;
  /** The name of the plugin. */
  readonly plugin: string;
};

/**
 * Step 6 of an ADD: records which rules the attachment has, and carries the plan out. The record comes first: whatever an
 * ADD that is killed has written, its DEL finds.
 * @returns what undoes it all, for when a later step of the ADD fails
 * @throws CniError
 */
export function carryOut(
  { plan, rules, flows }: Prepared,
  { attachment, network, plugin }: Beneficiary,
  { machine, records }: RulesParts,
): () => readonly CniError[] {
  const { containerId, ifName, netns } = attachment;
  const owner: RulesOwner = { network, plugin, containerId, ifName };
  const hasRules = !isWithoutRules(rules);
  if (!hasRules) records.prepare();
  else records.put({ owner, proof: proveAlive(netns, machine), rules, flows });
  const forget = () => (hasRules ? failuresOf(() => records.remove(owner)) : []);
  try {
    const undo = applyPlan([...plan, ...planForgetting(flows)], { machine, netns });
    return () => [...undo(), ...forget()];
  } catch (error) {
    throw withLaterFailures(explainTakenElement(error, rules.own, machine), forget());
  }
}
