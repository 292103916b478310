import { type Phase, phases } from '../../lib/resident/stopwatch.ts';
import { alternate, createSeries, type Series } from './alternate.ts';
import type { Call, Outcome } from './call.ts';
import { type Context, roundsOf } from './context.ts';
import { createPairsOf } from './pairs.ts';
import { openCase, type ResidentCase, type Sides, warmUp } from './resident-case.ts';
import { residentCases } from './resident-cases.ts';
import { Rig } from './rig.ts';
import { median, type PairFigures, summarizePairs } from './statistics.ts';

/** Where the time of a call that the agent carries out goes, in milliseconds; `client` is what is none of the agent's. */
export type PartsOfCall = Readonly<Record<Phase | 'client' | 'whole', number>>;

/** What names and the rest cost on the agent's path. */
export type ResidentParts = {
  /** With the registry, which is the default, and with `"registry": false`. */
  readonly registration: {
    readonly on: PairFigures;
    readonly off: PairFigures;
    /** What it adds to an ADD: of the ADDs that were measured one after the other. */
    readonly addedMs: number;
  };
  readonly calls: readonly { readonly name: string; readonly parts: PartsOfCall }[];
};

/** Splits calls into their parts, and compares pairs with and without a registration. */
export async function splitCalls(sides: Sides, context: Context): Promise<ResidentParts> {
  await using rig = new Rig(context, 'both-parts');
  const { bare, ports } = residentCases;
  const netns = await rig.container();
  const open = async (what: ResidentCase) => {
    const opened = await openCase(rig, { sides, path: 'resident', what }, context);
    await warmUp(opened, netns);
    return opened.attaching;
  };
  const on = await createPairsOf(rig, await open(bare));
  const off = await createPairsOf(rig, await open({ ...bare, registers: false }));
  const splits: { name: string; series: Series<Split> }[] = [];
  for (const what of [bare, ports]) {
    const attaching = await open(what);
    const series = createSeries(async (round) => {
      const attachment = { containerId: `parts-${round}`, netns, ifName: 'eth0', hasDefaultRoute: true };
      const added = await attaching.host.call(timed(attaching.toAdd(attachment)));
      const deleted = await attaching.host.call(timed(attaching.toDel(attachment, added)));
      return { add: toParts(added), del: toParts(deleted) };
    });
    splits.push({ name: what.name, series });
  }
  const all = [on, off, ...splits.map(({ series }) => series)];
  await alternate(all, roundsOf(context, 'parts of a call by the agent'));
  return {
    registration: {
      on: summarizePairs(on.samples),
      off: summarizePairs(off.samples),
      addedMs: median(
        on.samples.map(({ addMs }, round) => addMs - (off.samples[round]?.addMs ?? Number.NaN)),
      ),
    },
    calls: splits.flatMap(({ name, series: { samples } }) => [
      { name: `ADD, ${name}`, parts: summarizeParts(samples.map(({ add }) => add)) },
      { name: `DEL, ${name}`, parts: summarizeParts(samples.map(({ del }) => del)) },
    ]),
  };
}

type Split = { readonly add: PartsOfCall; readonly del: PartsOfCall };

/** Has the worker print how long its parts have taken. */
function timed(call: Call): Call {
  return { ...call, env: { ...call.env, FAIRLEAD_TIMINGS: '1' } };
}

/** @throws Error where the call was not the agent's */
function toParts({ tookMs, stderr }: Outcome): PartsOfCall {
  const lines = stderr.trim().split('\n');
  const told: Partial<Record<Phase, number>> & { what?: string } = JSON.parse(lines.at(-1) || '{}');
  if (told.what !== 'resident') throw new Error(`a call was not carried out by the agent: ${stderr}`);
  const each = Object.fromEntries(phases.map((phase) => [phase, told[phase] ?? 0])) as Record<Phase, number>;
  const agentMs = phases.reduce((sum, phase) => sum + each[phase], 0);
  return { ...each, client: tookMs - agentMs, whole: tookMs };
}

function summarizeParts(all: readonly PartsOfCall[]): PartsOfCall {
  const names = [...phases, 'client', 'whole'] as const;
  return Object.fromEntries(
    names.map((name) => [name, median(all.map((parts) => parts[name]))]),
  ) as PartsOfCall;
}
