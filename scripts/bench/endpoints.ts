import { alternate } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { type Network, openNetwork, toCall } from './network.ts';
import { createPairs } from './pairs.ts';
import { Rig } from './rig.ts';
import { type PairFigures, summarizePairs } from './statistics.ts';

/** Our `routed` on a host without endpoints and on one with many, in the same rounds. */
export type Endpoints = {
  readonly count: number;
  readonly alone: PairFigures;
  readonly among: PairFigures;
};

/** Started together, to have it over sooner; more would only wait for each other. */
const atOnce = 4;

/** ADD and DEL of `routed` with ever more endpoints on the host. */
export async function measureEndpoints(context: Context): Promise<Endpoints> {
  const count = context.isQuick ? 100 : 1_000;
  await using rig = new Rig(context, 'routed');
  const [empty, full] = [await openRouted(rig, context), await openRouted(rig, context)];
  await addEndpoints({ rig, network: full, count }, context);
  const [alone, among] = [await createPairs(rig, empty), await createPairs(rig, full)];
  await alternate([alone, among], roundsOf(context, `routed, none and ${count} endpoints`));
  return { count, alone: summarizePairs(alone.samples), among: summarizePairs(among.samples) };
}

function openRouted(rig: Rig, { ours }: Context): Promise<Network> {
  return openNetwork(rig, ours, { plugin: 'routed' });
}

/** In namespaces of their own: all endpoints have the same gateway. */
async function addEndpoints(
  { rig, network, count }: { rig: Rig; network: Network; count: number },
  { progress }: Context,
): Promise<void> {
  for (let done = 0; done < count; done += atOnce) {
    progress.tell(`routed: adding ${count} endpoints: ${done}`);
    const calls = [];
    for (let at = done; at < Math.min(done + atOnce, count); at++) {
      const attachment = { netns: await rig.container(), ifName: 'eth0', hasDefaultRoute: true };
      calls.push(toCall('ADD', network, { containerId: `endpoint-${at}`, ...attachment }));
    }
    await network.host.callAtOnce(calls);
  }
}
