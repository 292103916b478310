import type { NetworkCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import type { Machine } from '../exec/machine.ts';
import type { Flow } from '../plan/flow.ts';
import type { Plan, Step } from '../plan/operation.ts';
import { joinRules, type Rules } from '../rules/rules.ts';
import type { Capability, ToolName, Wanted } from './capability.ts';
import type { Endpoint } from './endpoint.ts';

/** What capabilities add to an attachment. */
export type Additions = {
  readonly rules: Rules;
  readonly steps: Plan;
  readonly flows: readonly Flow[];
  /** The result with what they have changed in it. */
  readonly amend: (result: Result) => Result;
};

/**
 * What a call's configuration asks of the capabilities.
 * @throws CniError code 7
 */
export function openCapabilities(
  { conf }: NetworkCall,
  capabilities: readonly Capability[],
): readonly Wanted[] {
  return capabilities.flatMap(({ open }) => open(conf) ?? []);
}

/** The programs that they cannot do without. */
export function toolsOf(wanted: readonly Wanted[]): readonly ToolName[] {
  return [...new Set(wanted.flatMap(({ tools }) => tools))];
}

/** All that is wanted at an endpoint; conntrack forgets when the rules stand. */
export function additionsAt(wanted: readonly Wanted[], endpoint: Endpoint, machine: Machine): Additions {
  return {
    rules: joinRules(...wanted.map(({ rules }) => rules(endpoint, machine))),
    steps: wanted.flatMap(({ steps }) => steps(endpoint, machine)),
    flows: wanted.flatMap(({ flows }) => flows(endpoint)),
    amend: (result) => wanted.reduce((amended, { amend }) => amend(amended, endpoint), result),
  };
}

/** Has conntrack forget flows: when the rules that lead them stand. */
export function planForgetting(flows: readonly Flow[]): readonly Step[] {
  return flows.length === 0 ? [] : [{ place: 'host', operation: { kind: 'forget-flows', flows } }];
}
