import { alternate, type Series } from './alternate.ts';
import { attachingOf } from './attaching.ts';
import type { Comparison } from './compare.ts';
import { type Context, roundsOf, type Side } from './context.ts';
import { attachCrowd, planCrowd } from './crowd.ts';
import { prepareLeases } from './leases.ts';
import { type Network, openNetwork } from './network.ts';
import { createPairs } from './pairs.ts';
import { Rig } from './rig.ts';
import { type PairSample, summarizePairs } from './statistics.ts';

/** Both sides with so many leases, or attached containers, there already. */
export type GrowthPoint = Comparison & { readonly count: number };

/** What grows. */
type Kind = {
  readonly name: 'leases' | 'attached';
  readonly ipMasq: boolean;
  readonly counts: readonly number[];
  readonly prepare: (rig: Rig, network: Network, count: number) => Promise<void>;
};

/** ADD and DEL in a network with ever more leases. */
export function measureLeases(context: Context): Promise<readonly GrowthPoint[]> {
  const counts = context.isQuick ? [0, 1_000, 10_000] : [0, 1_000, 10_000, 50_000];
  const prepare = async (_rig: Rig, network: Network, count: number) => {
    if (count === 0) return;
    context.progress.tell(`leases: preparing ${count} for ${network.name}`);
    prepareLeases(network, count);
  };
  return measureGrowth({ name: 'leases', ipMasq: false, counts, prepare }, context);
}

/** ADD and DEL of a container with masquerade on a host with ever more of them. */
export function measureAttached(context: Context): Promise<readonly GrowthPoint[]> {
  const counts = context.isQuick ? [0, 100] : [0, 100, 1_000];
  const prepare = async (rig: Rig, network: Network, count: number) => {
    const crowd = await planCrowd(rig, count);
    await attachCrowd({ attaching: attachingOf(network), crowd }, context);
  };
  return measureGrowth({ name: 'attached', ipMasq: true, counts, prepare }, context);
}

/** All counts of both sides in the same rounds, each on a host of its own, so that also the growth is free of drift. */
async function measureGrowth(kind: Kind, context: Context): Promise<readonly GrowthPoint[]> {
  await using rig = new Rig(context, kind.name);
  const points: { count: number; ours: Series<PairSample>; reference: Series<PairSample> }[] = [];
  for (const count of kind.counts) {
    const open = (side: Side) => openPrepared({ rig, kind, side, count });
    points.push({ count, ours: await open(context.ours), reference: await open(context.reference) });
  }
  await alternate(
    points.flatMap(({ ours, reference }) => [ours, reference]),
    roundsOf(context, kind.name),
  );
  return points.map(({ count, ours, reference }) => ({
    count,
    ours: summarizePairs(ours.samples),
    reference: summarizePairs(reference.samples),
  }));
}

type Wanted = { readonly rig: Rig; readonly kind: Kind; readonly side: Side; readonly count: number };

async function openPrepared({ rig, kind, side, count }: Wanted): Promise<Series<PairSample>> {
  const network = await openNetwork(rig, side, kind);
  await kind.prepare(rig, network, count);
  return createPairs(rig, network);
}
