import { createSeries, type Series } from './alternate.ts';
import { type Attaching, attachingOf } from './attaching.ts';
import type { Network } from './network.ts';
import type { Rig } from './rig.ts';
import type { PairSample } from './statistics.ts';

/** ADD and DEL of one container after the other on a network, always in the same namespace. */
export function createPairs(rig: Rig, network: Network): Promise<Series<PairSample>> {
  return createPairsOf(rig, attachingOf(network));
}

/** The same, however they are attached. */
export async function createPairsOf(
  rig: Rig,
  { host, toAdd, toDel }: Attaching,
): Promise<Series<PairSample>> {
  const netns = await rig.container();
  return createSeries(async (round) => {
    const attachment = { containerId: `pair-${round}`, netns, ifName: 'eth0', hasDefaultRoute: true };
    const added = await host.call(toAdd(attachment));
    const { tookMs: delMs } = await host.call(toDel(attachment, added));
    return { addMs: added.tookMs, delMs };
  });
}
