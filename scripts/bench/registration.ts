import { alternate } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { openNetwork } from './network.ts';
import { createPairs } from './pairs.ts';
import { Rig } from './rig.ts';
import { type PairFigures, summarizePairs } from './statistics.ts';

/** Ours with its registry, which is the default, and with `"registry": false`. */
export type Registration = { readonly registering: PairFigures; readonly silent: PairFigures };

/** What it costs a container to have a name. */
export async function measureRegistration(context: Context): Promise<Registration> {
  await using rig = new Rig(context, 'registration');
  const create = async (registers: boolean) =>
    createPairs(rig, await openNetwork(rig, context.ours, { registers }));
  const [registering, silent] = [await create(true), await create(false)];
  await alternate([registering, silent], roundsOf(context, 'registration'));
  return { registering: summarizePairs(registering.samples), silent: summarizePairs(silent.samples) };
}
