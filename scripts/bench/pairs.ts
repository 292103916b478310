import { createSeries, type Series } from './alternate.ts';
import { attach, type Network } from './network.ts';
import type { Rig } from './rig.ts';
import type { PairSample } from './statistics.ts';

/** ADD and DEL of one container after the other on a network, always in the same namespace. */
export async function createPairs(rig: Rig, network: Network): Promise<Series<PairSample>> {
  const netns = await rig.container();
  return createSeries(async (round) => {
    const attachment = { containerId: `pair-${round}`, netns, ifName: 'eth0', hasDefaultRoute: true };
    const { tookMs: addMs } = await attach('ADD', network, attachment);
    const { tookMs: delMs } = await attach('DEL', network, attachment);
    return { addMs, delMs };
  });
}
