import { setTimeout } from 'node:timers/promises';
import { alternate, createSeries, type Rounds, type Series } from './alternate.ts';
import { type Attaching, attachingOf } from './attaching.ts';
import { addressesOf, type Call, type Outcome } from './call.ts';
import type { Comparison } from './compare.ts';
import { type Context, roundsOf, type Side } from './context.ts';
import { type Attachment, openNetwork } from './network.ts';
import { Rig } from './rig.ts';
import { type PairSample, summarizePairs } from './statistics.ts';

/** How many are started together. */
export const burstSize = 50;

/** Wall times of all ADDs, and all DELs, at once; and how often an address was given a second time. */
export type Burst = Comparison & {
  readonly addressesTwice: { readonly ours: number; readonly reference: number };
};

/** One burst. */
export type BurstSample = PairSample & { readonly addressesTwice: number };

/** The kernel is still busy with what the links have left; the next burst is somebody else's. */
const restMs = 500;

/** 50 containers at once, with masquerade. The first burst finds neither bridge nor rules. */
export async function measureBurst(context: Context): Promise<Burst> {
  await using rig = new Rig(context, 'burst');
  const open = async (side: Side) =>
    createBursts(rig, attachingOf(await openNetwork(rig, side, { ipMasq: true })));
  const [ours, reference] = [await open(context.ours), await open(context.reference)];
  await alternate([ours, reference], burstRoundsOf(context, `${burstSize} at once`));
  return {
    ours: summarizePairs(ours.samples),
    reference: summarizePairs(reference.samples),
    addressesTwice: { ours: sumTwice(ours), reference: sumTwice(reference) },
  };
}

/** A burst is 50 samples of each call already. */
export function burstRoundsOf(context: Context, name: string): Rounds {
  const rounds = roundsOf(context, name);
  return { ...rounds, count: Math.ceil(rounds.count / 5) };
}

/** Bursts of containers in namespaces that are made once. */
export async function createBursts(rig: Rig, attaching: Attaching): Promise<Series<BurstSample>> {
  const namespaces: string[] = [];
  while (namespaces.length < burstSize) namespaces.push(await rig.container());
  return createSeries((round) => {
    const attachments = namespaces.map((netns, at) => ({
      containerId: `burst-${round}-${at}`,
      netns,
      ifName: 'eth0',
      hasDefaultRoute: true,
      number: at,
    }));
    return takeBurst(attaching, attachments);
  });
}

async function takeBurst(
  { host, toAdd, toDel }: Attaching,
  attachments: readonly Attachment[],
): Promise<BurstSample> {
  const all = async (calls: readonly Call[]) => {
    const answer = await host.callAtOnce(calls);
    await setTimeout(restMs);
    return answer;
  };
  const added = await all(attachments.map(toAdd));
  const deleted = await all(
    added.outcomes.flatMap((outcome, at) => {
      const attachment = attachments[at];
      return attachment === undefined ? [] : [toDel(attachment, outcome)];
    }),
  );
  return { addMs: added.wallMs, delMs: deleted.wallMs, addressesTwice: countTwice(added.outcomes) };
}

function countTwice(outcomes: readonly Outcome[]): number {
  const addresses = outcomes.flatMap(addressesOf);
  return addresses.length - new Set(addresses).size;
}

function sumTwice({ samples }: Series<BurstSample>): number {
  return samples.reduce((sum, { addressesTwice }) => sum + addressesTwice, 0);
}
