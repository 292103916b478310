import type { Context } from './context.ts';
import { installClients } from './resident-agent.ts';
import type { ByPath, Sides } from './resident-case.ts';
import { residentCases } from './resident-cases.ts';
import { measureCase, type ResidentPairs } from './resident-pairs.ts';
import { type ResidentParts, splitCalls } from './resident-parts.ts';
import { measureUsage } from './resident-usage.ts';
import { Rig } from './rig.ts';
import type { Summary } from './statistics.ts';

/** Both of our paths, and the reference's, side by side. */
export type ResidentFigures = {
  readonly pairs: readonly ResidentPairs[];
  /** Of a bare pair: plugins and all that they start, and the agent with its workers. */
  readonly processor: ByPath<Summary>;
  readonly parts: ResidentParts;
};

/** Measures calls that an agent carries out beside those that a process of their own does. */
export async function measureResident(context: Context): Promise<ResidentFigures> {
  await using rig = new Rig(context, 'resident');
  const { ours, reference } = context;
  const sides: Sides = { resident: await installClients(rig, ours), executable: ours, reference };
  const { bare, ipMasq, ports, leases, burst, crowd, fewer } = residentCases;
  const measured: ResidentPairs[] = [];
  for (const what of [bare, ipMasq, ports, leases]) measured.push(await measureCase(what, sides, context));
  const processor = await measureUsage(sides, context);
  const parts = await splitCalls(sides, context);
  for (const what of [burst, context.isQuick ? fewer : crowd])
    measured.push(await measureCase(what, sides, context));
  return { pairs: measured, processor, parts };
}
