import { type CniError, messageOf } from '../errors/cni-error.ts';
import { applyOnHost, type OwnHost } from '../exec/apply.ts';
import { inquireAsync } from '../exec/inquiry.ts';
import { chainsInquiry } from '../exec/observe.ts';
import { planMasquerade } from '../masquerade/masquerade.ts';
import type { Cidr } from '../net/cidr.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';
import { describeOperation } from '../plan/describe.ts';
import type { Plan, Step } from '../plan/operation.ts';
import { vxlanConflict } from './conflict.ts';
import { overlayMasquerade } from './masquerade.ts';
import { type ObservedPlane, observePlane } from './observe.ts';
import { planPlane } from './plan.ts';
import type { PlaneTarget, Target } from './target.ts';
import { overlayAlias } from './wish.ts';

/** What a comparison with the kernel has brought. */
export type Reconciled = {
  /** What was done, in words. */
  readonly done: readonly string[];
  /** What could not be done, and what stands in the way. */
  readonly problems: readonly string[];
};

/**
 * Makes the kernel what the target says: devices, entries and routes of every plane, and the masquerade where the agent
 * sees to it. Looks first, and does nothing where nothing differs.
 */
export async function reconcile(
  { planes }: Target,
  host: OwnHost,
  masqueraded: readonly Cidr[],
): Promise<Reconciled> {
  const parts: Reconciled[] = [];
  for (const target of planes) parts.push(await guarded(() => reconcilePlane(target, planes, host)));
  if (masqueraded.length > 0) parts.push(await guarded(() => reconcileMasquerade(masqueraded, host)));
  return {
    done: parts.flatMap(({ done }) => done),
    problems: parts.flatMap(({ problems }) => problems),
  };
}

/** One plane that cannot be looked at must not keep the others from being. */
async function guarded(work: () => Promise<Reconciled>): Promise<Reconciled> {
  try {
    return await work();
  } catch (error) {
    return { done: [], problems: [messageOf(error)] };
  }
}

async function reconcilePlane(
  { plane, wish }: PlaneTarget,
  all: Target['planes'],
  host: OwnHost,
): Promise<Reconciled> {
  const observed = await inquireAsync(observePlane(plane), host.run);
  const leftovers = leftoversOf(observed, all);
  const lasting = observed.vxlans.filter(({ name }) => !leftovers.some((leftover) => leftover === name));
  const conflict = vxlanConflict(lasting, plane);
  if (conflict !== undefined) return { done: [], problems: [conflict] };
  const plan = [...leftovers.map(planDeletion), ...planPlane(wish, observed)];
  return toReconciled(plan, await applyOnHost(plan, host));
}

/** Devices that the agent has made for another VNI, mode or family. */
function leftoversOf({ vxlans }: ObservedPlane, planes: Target['planes']): readonly IfName[] {
  const wanted = new Set<string>(planes.map(({ plane }) => plane.device));
  return vxlans
    .filter(({ name, alias }) => alias === overlayAlias && !wanted.has(name))
    .flatMap(({ name }) => parseIfName(name) ?? []);
}

function planDeletion(name: IfName): Step {
  return { place: 'host', operation: { kind: 'delete-link', name } };
}

async function reconcileMasquerade(networks: readonly Cidr[], host: OwnHost): Promise<Reconciled> {
  const chain = overlayMasquerade(networks);
  const plan = planMasquerade(chain, await inquireAsync(chainsInquiry([chain]), host.run));
  return toReconciled(plan, await applyOnHost(plan, host));
}

function toReconciled(plan: Plan, failures: readonly CniError[]): Reconciled {
  return {
    done: plan.map(({ operation }) => describeOperation(operation)),
    problems: failures.map(({ message }) => message),
  };
}
