import { judgeConflists } from './conflist-goals.ts';
import { atMost, type Goal } from './goal.ts';
import type { GrowthPoint } from './growth.ts';
import { judgeOverlay } from './overlay-goals.ts';
import { ratio } from './ratio.ts';
import { judgeRegistry } from './registry-goals.ts';
import { judgeResident } from './resident-goals.ts';
import type { Results } from './results.ts';
import { judgeRouted } from './routed-goals.ts';

/** The goals with what was measured. Pure. */
export function judge({
  bare,
  ipMasq,
  burst,
  leases,
  attached,
  registry,
  overlay,
  routed,
  conflists,
  resident,
}: Results): readonly Goal[] {
  const [withNone, with10k, with50k] = [0, 10_000, 50_000].map((count) => pointOf(leases, count));
  const [alone, with1000] = [0, 1_000].map((count) => pointOf(attached, count));
  const aboveEmptyMs = bare.ours.add.medianMs - bare.empty.medianMs;
  const twice = burst.addressesTwice.ours;
  return [
    times('bare', 'ADD + DEL, ours / reference', ratio(bare.ours.pair, bare.reference.pair), 3.5),
    { of: 'bare', what: 'our ADD over an empty executable', measured: aboveEmptyMs, ...atMost(20, ' ms') },
    times('ipMasq', 'ADD + DEL, ours / reference', ratio(ipMasq.ours.pair, ipMasq.reference.pair), 1),
    times(
      '10,000 leases',
      'ADD + DEL, ours / reference',
      ratio(with10k?.ours.pair, with10k?.reference.pair),
      0.4,
    ),
    times('50,000 leases', 'our ADD, 50,000 / none', ratio(with50k?.ours.add, withNone?.ours.add), 1.1),
    times(
      '1,000 attached',
      'ADD + DEL, ours / reference',
      ratio(with1000?.ours.pair, with1000?.reference.pair),
      0.6,
    ),
    times(
      '1,000 attached',
      'our ADD + DEL, 1,000 / none',
      ratio(with1000?.ours.pair, alone?.ours.pair),
      1.15,
    ),
    times(
      '50 at once',
      'wall time of the ADDs, ours / reference',
      ratio(burst.ours.add, burst.reference.add),
      1.3,
    ),
    { of: '50 at once', what: 'addresses of ours given twice', measured: twice, ...atMost(0, '') },
    ...judgeRegistry(registry),
    ...judgeOverlay(overlay),
    ...judgeRouted(routed),
    ...judgeConflists(conflists),
    ...judgeResident(resident),
  ];
}

function pointOf(points: readonly GrowthPoint[], wanted: number): GrowthPoint | undefined {
  return points.find(({ count }) => count === wanted);
}

function times(of: string, what: string, measured: number | undefined, limit: number): Goal {
  return { of, what, measured, ...atMost(limit, '×') };
}
