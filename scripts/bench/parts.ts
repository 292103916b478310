import { alternate, createSeries, type Series } from './alternate.ts';
import type { Outcome } from './call.ts';
import { type Context, roundsOf } from './context.ts';
import { openNetwork, toCall } from './network.ts';
import { Rig } from './rig.ts';
import { summarize } from './statistics.ts';

/** A part of an ADD of ours, and its median duration. */
export type Part = { readonly what: string; readonly medianMs: number };

/** Where the time of an ADD goes, for each case. */
export type PartsOfAdd = { readonly bare: readonly Part[]; readonly ipMasq: readonly Part[] };

/** A line of what a plugin prints with FAIRLEAD_TIMINGS=1: times since the start of its process. */
type Timing = { readonly what: string; readonly atMs: number; readonly tookMs: number };

type Durations = ReadonlyMap<string, number>;

/** Splits ADDs of ours into their parts. They are calls of their own: writing the timings costs a little, too. */
export async function splitAdds(context: Context): Promise<PartsOfAdd> {
  await using rig = new Rig(context, 'parts');
  const bare = await createSplits(rig, context, false);
  const ipMasq = await createSplits(rig, context, true);
  await alternate([bare, ipMasq], roundsOf(context, 'parts of an ADD'));
  return { bare: summarizeParts(bare), ipMasq: summarizeParts(ipMasq) };
}

async function createSplits(rig: Rig, { ours }: Context, ipMasq: boolean): Promise<Series<Durations>> {
  const network = await openNetwork(rig, ours, { ipMasq });
  const netns = await rig.container();
  return createSeries(async (round) => {
    const attachment = { containerId: `parts-${round}`, netns, ifName: 'eth0', hasDefaultRoute: true };
    const add = toCall('ADD', network, attachment);
    const outcome = await network.host.call({ ...add, env: { ...add.env, FAIRLEAD_TIMINGS: '1' } });
    await network.host.call(toCall('DEL', network, attachment));
    return toDurations(outcome);
  });
}

/** The parts in the order of the call; a tool that is run more than once is numbered. */
function toDurations({ tookMs, stderr }: Outcome): Durations {
  const timings = stderr
    .trim()
    .split('\n')
    .map((line): Timing => JSON.parse(line));
  const isProcess = ({ what }: Timing) => what !== 'start' && what !== 'whole';
  const processes = timings.filter(isProcess);
  const startMs = timings.find(({ what }) => what === 'start')?.tookMs ?? Number.NaN;
  const wholeMs = timings.find(({ what }) => what === 'whole')?.tookMs ?? Number.NaN;
  const firstAtMs = processes[0]?.atMs ?? wholeMs;
  const processesMs = processes.reduce((sum, process) => sum + process.tookMs, 0);
  return new Map([
    ['Node starts', startMs],
    ['parse and IPAM', firstAtMs - startMs],
    ...processes.map(({ what, tookMs }, at) => [`process ${at + 1}: ${what}`, tookMs] as const),
    ['the rest of our code', wholeMs - firstAtMs - processesMs],
    ['exec before it, exit after it', tookMs - wholeMs],
    ['whole', tookMs],
  ]);
}

function summarizeParts({ samples }: Series<Durations>): readonly Part[] {
  const names = new Set(samples.flatMap((durations) => [...durations.keys()]));
  return [...names].map((what) => ({
    what,
    medianMs: summarize(samples.flatMap((durations) => durations.get(what) ?? [])).medianMs,
  }));
}
