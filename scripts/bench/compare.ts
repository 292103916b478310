import { alternate } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { buildEmpties, createCalls } from './empty.ts';
import { type NetworkOptions, openNetwork } from './network.ts';
import { createPairs } from './pairs.ts';
import { Rig } from './rig.ts';
import { type PairFigures, type Summary, summarize, summarizePairs } from './statistics.ts';

/** Both sides in the same case. */
export type Comparison = { readonly ours: PairFigures; readonly reference: PairFigures };

/** The bare case, and beside it what an executable that does nothing takes. */
export type BareComparison = Comparison & { readonly empty: Summary; readonly emptySnapshot: Summary };

/** bridge with host-local and nothing else. */
export async function compareBare(context: Context): Promise<BareComparison> {
  await using rig = new Rig(context, 'bare');
  context.progress.tell('building empty executables');
  const empties = await buildEmpties(rig.dir);
  const pairs = await createBothPairs(rig, context, {});
  const empty = await createCalls(rig, empties.bare);
  const emptySnapshot = await createCalls(rig, empties.snapshot);
  await alternate([pairs.ours, pairs.reference, empty, emptySnapshot], roundsOf(context, 'bare'));
  return {
    ...summarizeBoth(pairs),
    empty: summarize(empty.samples),
    emptySnapshot: summarize(emptySnapshot.samples),
  };
}

/** The same with `ipMasq`. */
export async function compareMasquerade(context: Context): Promise<Comparison> {
  await using rig = new Rig(context, 'masq');
  const pairs = await createBothPairs(rig, context, { ipMasq: true });
  await alternate([pairs.ours, pairs.reference], roundsOf(context, 'ipMasq'));
  return summarizeBoth(pairs);
}

/** ptp with host-local and `ipMasq`. */
export async function comparePointToPoint(context: Context): Promise<Comparison> {
  await using rig = new Rig(context, 'ptp');
  const pairs = await createBothPairs(rig, context, { plugin: 'ptp', ipMasq: true });
  await alternate([pairs.ours, pairs.reference], roundsOf(context, 'ptp, ipMasq'));
  return summarizeBoth(pairs);
}

type BothPairs = Awaited<ReturnType<typeof createBothPairs>>;

async function createBothPairs(rig: Rig, { ours, reference }: Context, options: NetworkOptions) {
  return {
    ours: await createPairs(rig, await openNetwork(rig, ours, options)),
    reference: await createPairs(rig, await openNetwork(rig, reference, options)),
  };
}

function summarizeBoth({ ours, reference }: BothPairs): Comparison {
  return { ours: summarizePairs(ours.samples), reference: summarizePairs(reference.samples) };
}
