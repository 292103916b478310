import { type Attached, Cluster } from '../../test/support/cluster.ts';
import { Flanneld } from '../../test/support/flanneld.ts';
import type { Conf } from '../../test/support/rig.ts';
import { alternate, createSeries } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { measureBetween, medianTraffic, type TrafficEnd, type TrafficFigures } from './traffic.ts';

/** Containers of two hosts with each other: what gets through, and how long an echo takes. */
export type OverlayTraffic = {
  /** Without masquerade, like flanneld unless it is told otherwise. */
  readonly ours: TrafficFigures;
  /** As our plugin wires containers unless it is told otherwise: with the connection tracking that masquerade needs. */
  readonly masqueraded: TrafficFigures;
  readonly flanneld: TrafficFigures;
};

/** Of the rounds of a run: a round of this takes as long as a hundred calls of a plugin. */
const share = 5;

/**
 * Pairs of hosts in one overlay on one underlay, alternating: two of our agents' without masquerade and two with it, and
 * two of flanneld's. Containers of flanneld's hosts are attached by the reference plugins, as its own plugin does it.
 */
export async function measureTraffic(context: Context): Promise<OverlayTraffic> {
  await using cluster = await Cluster.create({ hosts: 6 });
  const ours = createSeries(takeFrom(...(await attachPair(cluster, [1, 2], { ipMasq: false }))));
  const masqueraded = createSeries(takeFrom(...(await attachPair(cluster, [3, 4], { ipMasq: true }))));
  await using near = await Flanneld.start(cluster.host(5));
  await using far = await Flanneld.start(cluster.host(6));
  const flannels = createSeries(takeFrom(await near.add(), await far.add()));
  const count = Math.max(3, Math.round(context.rounds / share));
  const all = [ours, masqueraded, flannels];
  await alternate(all, { ...roundsOf(context, 'overlay beside flanneld'), count });
  return {
    ours: medianTraffic(ours.samples),
    masqueraded: medianTraffic(masqueraded.samples),
    flanneld: medianTraffic(flannels.samples),
  };
}

/** A container on each of two hosts whose agents join the overlay. */
async function attachPair(
  cluster: Cluster,
  numbers: readonly [number, number],
  conf: Conf,
): Promise<[Attached, Attached]> {
  const [one, other] = [cluster.host(numbers[0]), cluster.host(numbers[1])];
  await one.join();
  await other.join();
  return [await one.add(conf), await other.add(conf)];
}

function takeFrom(from: Attached, to: Attached): () => Promise<TrafficFigures> {
  return () => measureBetween(endOf(from), endOf(to));
}

function endOf({ netns, addresses: [address = ''] }: Attached): TrafficEnd {
  return { netns, address };
}
