import { startAgent } from './agent.ts';
import { alternate } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { type NetworkOptions, openNetwork } from './network.ts';
import { createPairs } from './pairs.ts';
import { Rig } from './rig.ts';
import { type PairFigures, summarizePairs } from './statistics.ts';

/** Ours with its registry, which is the default, and with `"registry": false`. */
export type Registration = {
  readonly withAgent: PairFigures;
  /** Nobody else has the registry open: then SQLite reads the journal anew at each call. */
  readonly withoutAgent: PairFigures;
  readonly off: PairFigures;
};

/** What it costs a container to have a name. */
export async function measureRegistration(context: Context): Promise<Registration> {
  await using rig = new Rig(context, 'registration');
  const open = (options: NetworkOptions) => openNetwork(rig, context.ours, options);
  const served = await open({});
  await startAgent(rig, served.host, context.ours);
  const withAgent = await createPairs(rig, served);
  const withoutAgent = await createPairs(rig, await open({}));
  const off = await createPairs(rig, await open({ registers: false }));
  await alternate([withAgent, withoutAgent, off], roundsOf(context, 'registration'));
  return {
    withAgent: summarizePairs(withAgent.samples),
    withoutAgent: summarizePairs(withoutAgent.samples),
    off: summarizePairs(off.samples),
  };
}
