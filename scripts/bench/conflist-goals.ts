import type { ConflistFigures, Entry } from './conflists.ts';
import type { Measured } from './contender.ts';
import { atMost, type Goal } from './goal.ts';
import type { PairFigures } from './statistics.ts';

/** What whole conflists are to reach. Pure. */
export function judgeConflists({ pairs, burst, sandboxes }: ConflistFigures): readonly Goal[] {
  const find = (wanted: Partial<Entry>) => findMeasured(pairs, { attached: 0, ...wanted });
  const ports = find({ side: 'ours', extent: 'ports', form: 'one plugin' });
  const whole = find({ side: 'ours', extent: 'whole', form: 'one plugin' });
  const chained = find({ side: 'ours', extent: 'whole', form: 'a plugin each' });
  const referenceWhole = find({ side: 'reference', extent: 'whole' });
  const among = find({ side: 'ours', attached: 1_000 });
  const referenceAmong = find({ side: 'reference', attached: 1_000 });
  const portsAmong = 'ipMasq + 2 host ports, 1,000 attached';
  const portsAtOnce = 'ipMasq + 2 host ports, 50 at once';
  const both = 'ADD + DEL, ours / reference';
  return [
    goal('ipMasq + 2 host ports', both, [ports, find({ side: 'reference', extent: 'ports' })], 0.4),
    goal('the same + firewall + tuning', both, [whole, referenceWhole], 0.4),
    goal(portsAmong, both, [among, referenceAmong], 0.25),
    goal(portsAmong, 'our ADD + DEL, 1,000 / none', [among, ports], 1.15),
    goal('bridge, portmap, firewall, tuning, each ours', both, [chained, referenceWhole], 0.6),
    goal(portsAtOnce, 'wall time of the ADDs, ours / reference', [burst.ours, burst.reference], 0.5, 'add'),
    goal(portsAtOnce, 'wall time of both, ours / reference', [burst.ours, burst.reference], 0.5),
    goal(
      "containerd's pods, 2 host ports",
      'RunPodSandbox + StopPodSandbox, ours / reference',
      [sandboxes.ours, sandboxes.reference],
      0.9,
    ),
  ];
}

/** Undefined where it was left out. */
function findMeasured(pairs: ConflistFigures['pairs'], wanted: Partial<Entry>): Measured | undefined {
  const isWanted = (entry: Entry) =>
    wanted.attached === entry.attached &&
    (wanted.side ?? entry.side) === entry.side &&
    (wanted.extent ?? entry.extent) === entry.extent &&
    (wanted.form ?? entry.form) === entry.form;
  return pairs.find(isWanted)?.measured;
}

type Compared = readonly [Measured | undefined, Measured | undefined];

function goal(
  of: string,
  what: string,
  compared: Compared,
  limit: number,
  verb: keyof PairFigures = 'pair',
): Goal {
  return { of, what, measured: ratioOf(compared, verb), ...atMost(limit, '×') };
}

/** NaN where one of them has failed: that is no goal reached. */
function ratioOf([one, other]: Compared, verb: keyof PairFigures): number | undefined {
  if (one === undefined || other === undefined) return undefined;
  if (one.kind === 'failed' || other.kind === 'failed') return Number.NaN;
  return one.figures[verb].medianMs / other.figures[verb].medianMs;
}
