import { messageOf } from '../errors/cni-error.ts';
import { describeOperation } from '../plan/describe.ts';
import type { Plan } from '../plan/operation.ts';
import { applyOnHost, type OwnHost } from './apply.ts';

/** What a comparison with the kernel has brought. */
export type Reconciled = {
  /** What was done, in words. */
  readonly done: readonly string[];
  /** What could not be done, and what stands in the way. */
  readonly problems: readonly string[];
};

/** One part that cannot be looked at must not keep the others from being. */
export async function guarded(work: () => Promise<Reconciled>): Promise<Reconciled> {
  try {
    return await work();
  } catch (error) {
    return { done: [], problems: [messageOf(error)] };
  }
}

/** Does on the host what a comparison has found to be missing; goes on over failures. */
export async function carryOut(plan: Plan, host: OwnHost): Promise<Reconciled> {
  const failures = await applyOnHost(plan, host);
  return {
    done: plan.map(({ operation }) => describeOperation(operation)),
    problems: failures.map(({ message }) => message),
  };
}

/** The parts of a comparison as one. */
export function together(parts: readonly Reconciled[]): Reconciled {
  return {
    done: parts.flatMap(({ done }) => done),
    problems: parts.flatMap(({ problems }) => problems),
  };
}
