import type { Measured } from './contender.ts';
import { atMost, type Goal } from './goal.ts';
import { residentCases } from './resident-cases.ts';
import type { ResidentFigures } from './resident-paths.ts';

/** What calls are to take that the agent carries out. Pure. */
export function judgeResident({
  pairs,
  processor,
  parts: { registration },
}: ResidentFigures): readonly Goal[] {
  const goal = (of: keyof typeof residentCases, limit: number, what = 'ADD + DEL'): Goal => {
    const { name } = residentCases[of];
    const measured = pairs.find((each) => each.what.name === name)?.measured;
    const ratio = measured === undefined ? undefined : ratioOf(measured.resident, measured.reference);
    return { of: name, what: `${what}, by the agent / reference`, measured: ratio, ...atMost(limit, '×') };
  };
  const { resident, reference } = processor;
  return [
    goal('bare', 0.8),
    goal('ipMasq', 0.35),
    goal('ports', 0.15),
    goal('crowd', 0.1),
    goal('leases', 0.15),
    goal('burst', 0.4, 'wall time of both'),
    {
      of: 'bare',
      what: 'processor time of both, by the agent / reference',
      measured: resident.medianMs / reference.medianMs,
      ...atMost(0.8, '×'),
    },
    {
      of: 'registration',
      what: 'what it adds to an ADD by the agent',
      measured: registration.addedMs,
      ...atMost(1, ' ms'),
    },
  ];
}

/** NaN where one of them has failed: that is no goal reached. */
function ratioOf(one: Measured, other: Measured): number {
  if (one.kind === 'failed' || other.kind === 'failed') return Number.NaN;
  return one.figures.pair.medianMs / other.figures.pair.medianMs;
}
