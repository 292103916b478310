import { alternate, createSeries, type Series } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { readEndedProcessorMs, readTreeProcessorMs } from './process-usage.ts';
import { type ByPath, openCase, paths, type Sides } from './resident-case.ts';
import { residentCases } from './resident-cases.ts';
import { Rig } from './rig.ts';
import { type Summary, summarize } from './statistics.ts';

/** So many pairs make a sample: Linux tells of processor time in hundredths of a second. */
const pairsEach = 10;

/**
 * What lives for weeks is measured as it is after its first calls, of which each worker has to compile its share; what is
 * executed anew has no second call to be quicker in.
 */
const pairsBefore = 200;

/** The processor time of a bare pair on each path. */
export async function measureUsage(sides: Sides, context: Context): Promise<ByPath<Summary>> {
  await using rig = new Rig(context, 'both-usage');
  const all: (readonly [keyof Sides, Series<number>])[] = [];
  for (const path of paths) {
    const opened = await openCase(rig, { sides, path, what: residentCases.bare }, context);
    const netns = await rig.container();
    const { host, toAdd, toDel } = opened.attaching;
    // Plugins and all that they wait for are counted when they have ended; agent and workers live on.
    const read = () =>
      readEndedProcessorMs(host.pid) +
      (opened.agent === undefined ? 0 : readTreeProcessorMs(opened.agent.pid));
    const attachAgain = async (count: number) => {
      for (let pair = 0; pair < count; pair++) {
        const attachment = { containerId: `usage-${pair}`, netns, ifName: 'eth0', hasDefaultRoute: true };
        await host.call(toDel(attachment, await host.call(toAdd(attachment))));
      }
    };
    if (opened.agent !== undefined) await attachAgain(pairsBefore);
    const take = async () => {
      const before = read();
      await attachAgain(pairsEach);
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
