import { atLeast, atMost, type Goal } from './goal.ts';
import { ratio } from './ratio.ts';
import type { RoutedFigures } from './routed.ts';

/** What ptp and routed are to reach. Pure. */
export function judgeRouted({ ptp, endpoints, traffic }: RoutedFigures): readonly Goal[] {
  const { count, alone, among } = endpoints;
  return [
    {
      of: 'ptp, ipMasq',
      what: 'ADD + DEL, ours / reference',
      measured: ratio(ptp.ours.pair, ptp.reference.pair),
      ...atMost(0.8, '×'),
    },
    {
      of: `routed, ${count.toLocaleString('en')} endpoints`,
      what: `our ADD, ${count.toLocaleString('en')} / none`,
      measured: ratio(among.add, alone.add),
      ...atMost(1.15, '×'),
    },
    {
      of: 'routed',
      what: 'TCP throughput, containers of two hosts / their hosts',
      measured: traffic.containers.gigabitsPerSecond / traffic.hosts.gigabitsPerSecond,
      ...atLeast(0.97, '×'),
    },
  ];
}
