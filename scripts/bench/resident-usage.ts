import { alternate, createSeries, type Series } from './alternate.ts';
import { attachAgain } from './attaching.ts';
import { type Context, roundsOf } from './context.ts';
import { readEndedProcessorMs, readTreeProcessorMs } from './process-usage.ts';
import { type ByPath, openCase, paths, type Sides, warmUp } from './resident-case.ts';
import { residentCases } from './resident-cases.ts';
import { Rig } from './rig.ts';
import { type Summary, summarize } from './statistics.ts';

/** So many pairs make a sample: Linux tells of processor time in hundredths of a second. */
const pairsEach = 10;

/** The processor time of a bare pair on each path. */
export async function measureUsage(sides: Sides, context: Context): Promise<ByPath<Summary>> {
  await using rig = new Rig(context, 'both-usage');
  const all: (readonly [keyof Sides, Series<number>])[] = [];
  for (const path of paths) {
    const opened = await openCase(rig, { sides, path, what: residentCases.bare }, context);
    const netns = await rig.container();
    const { host } = opened.attaching;
    // Plugins and all that they wait for are counted when they have ended; agent and workers live on.
    const read = () =>
      readEndedProcessorMs(host.pid) +
      (opened.agent === undefined ? 0 : readTreeProcessorMs(opened.agent.pid));
    await warmUp(opened, netns);
    const take = async () => {
      const before = read();
      await attachAgain(opened.attaching, netns, pairsEach);
      return (read() - before) / pairsEach;
    };
    all.push([path, createSeries(take)]);
  }
  const rounds = roundsOf(context, 'both paths, processor time');
  await alternate(
    all.map(([, series]) => series),
    { ...rounds, count: Math.ceil(rounds.count / 4) },
  );
  return Object.fromEntries(all.map(([path, { samples }]) => [path, summarize(samples)])) as ByPath<Summary>;
}
