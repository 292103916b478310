import type { OwnHost } from '../../exec/apply.ts';
import { inquireAsync } from '../../exec/inquiry.ts';
import { chainsInquiry } from '../../exec/observe.ts';
import { carryOut, guarded, type Reconciled, together } from '../../exec/reconciled.ts';
import type { Cidr } from '../../net/cidr.ts';
import { planChain } from '../../rules/plan-chain.ts';
import { vxlanConflict } from './conflict.ts';
import { observeMarked, planLeftovers } from './leftovers.ts';
import { overlayMasquerade } from './masquerade.ts';
import { observePlane } from './observe.ts';
import { planPlane } from './plan.ts';
import { keepMaster } from './port.ts';
import type { PlaneTarget, Target } from './target.ts';

/**
 * Makes the kernel what the target says: devices, entries and routes of every plane, and the masquerade where the agent
 * sees to it. Looks first, and does nothing where nothing differs. What an earlier target has left goes first: no device
 * is made beside another of the same VNI and port.
 */
export async function reconcile(
  { planes }: Target,
  host: OwnHost,
  masqueraded: readonly Cidr[],
): Promise<Reconciled> {
  const parts = [await guarded(() => removeLeftovers(planes, host))];
  for (const target of planes) parts.push(await guarded(() => reconcilePlane(target, host)));
  if (masqueraded.length > 0) parts.push(await guarded(() => reconcileMasquerade(masqueraded, host)));
  return together(parts);
}

async function removeLeftovers(planes: Target['planes'], host: OwnHost): Promise<Reconciled> {
  const marked = await inquireAsync(observeMarked(), host.run);
  const wanted = planes.map(({ plane }) => plane);
  return carryOut(planLeftovers(marked, wanted), host);
}

async function reconcilePlane({ plane, wish }: PlaneTarget, host: OwnHost): Promise<Reconciled> {
  const observed = await inquireAsync(observePlane(plane), host.run);
  const conflict = vxlanConflict(observed.vxlans, plane);
  if (conflict !== undefined) return { done: [], problems: [conflict] };
  const port = keepMaster(plane.mode, wish.device, observed.device);
  const { done, problems } = await carryOut(planPlane({ ...wish, device: port.device }, observed), host);
  return { done, problems: port.problem === undefined ? problems : [port.problem, ...problems] };
}

async function reconcileMasquerade(networks: readonly Cidr[], host: OwnHost): Promise<Reconciled> {
  const chain = overlayMasquerade(networks);
  const listing = await inquireAsync(chainsInquiry([chain]), host.run);
  return carryOut(planChain(chain, listing), host);
}
