import { setTimeout } from 'node:timers/promises';
import { alternate, createSeries, type Series } from './alternate.ts';
import { addressesOf, type Outcome } from './call.ts';
import type { Comparison } from './compare.ts';
import { type Context, roundsOf, type Side } from './context.ts';
import { type Attachment, type Network, openNetwork, toCall } from './network.ts';
import { Rig } from './rig.ts';
import { type PairSample, summarizePairs } from './statistics.ts';

/** How many are started together. */
export const burstSize = 50;

/** Wall times of all ADDs, and all DELs, at once; and how often an address was given a second time. */
export type Burst = Comparison & {
  readonly addressesTwice: { readonly ours: number; readonly reference: number };
};

type BurstSample = PairSample & { readonly addressesTwice: number };

/** The kernel is still busy with what the links have left; the next burst is somebody else's. */
const restMs = 500;

/** 50 containers at once, with masquerade. The first burst finds neither bridge nor rules. */
export async function measureBurst(context: Context): Promise<Burst> {
  await using rig = new Rig(context, 'burst');
  const ours = await createBursts(rig, context.ours);
  const reference = await createBursts(rig, context.reference);
  const rounds = roundsOf(context, `${burstSize} at once`);
  await alternate([ours, reference], { ...rounds, count: Math.ceil(rounds.count / 5) });
  return {
    ours: summarizePairs(ours.samples),
    reference: summarizePairs(reference.samples),
    addressesTwice: { ours: sumTwice(ours), reference: sumTwice(reference) },
  };
}

async function createBursts(rig: Rig, side: Side): Promise<Series<BurstSample>> {
  const network = await openNetwork(rig, side, { ipMasq: true });
  const namespaces: string[] = [];
  while (namespaces.length < burstSize) namespaces.push(await rig.container());
  return createSeries((round) => {
    const attachments = namespaces.map((netns, at) => ({
      containerId: `burst-${round}-${at}`,
      netns,
      ifName: 'eth0',
      hasDefaultRoute: true,
    }));
    return takeBurst(network, attachments);
  });
}

async function takeBurst(network: Network, attachments: readonly Attachment[]): Promise<BurstSample> {
  const all = async (verb: 'ADD' | 'DEL') => {
    const answer = await network.host.callAtOnce(attachments.map((each) => toCall(verb, network, each)));
    await setTimeout(restMs);
    return answer;
  };
  const added = await all('ADD');
  const deleted = await all('DEL');
  return { addMs: added.wallMs, delMs: deleted.wallMs, addressesTwice: countTwice(added.outcomes) };
}

function countTwice(outcomes: readonly Outcome[]): number {
  const addresses = outcomes.flatMap(addressesOf);
  return addresses.length - new Set(addresses).size;
}

function sumTwice({ samples }: Series<BurstSample>): number {
  return samples.reduce((sum, { addressesTwice }) => sum + addressesTwice, 0);
}
