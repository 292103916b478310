import { atLeast, atMost, type Goal } from './goal.ts';
import type { OverlayFigures } from './overlay.ts';

/** What the overlay is to reach. Pure. */
export function judgeOverlay({ traffic, changes, hosts }: OverlayFigures): readonly Goal[] {
  const { ours, flanneld } = traffic;
  const throughput = ours.gigabitsPerSecond / flanneld.gigabitsPerSecond;
  const { arrival, return: back } = changes;
  const of = `${hosts.hosts} hosts`;
  return [
    { of: 'overlay', what: 'TCP throughput, ours / flanneld', measured: throughput, ...atLeast(0.97, '×') },
    {
      of: 'overlay',
      what: 'echo, ours / flanneld',
      measured: ours.echoMs / flanneld.echoMs,
      ...atMost(1.05, '×'),
    },
    {
      of: 'overlay',
      what: 'a new host reaches all, at worst',
      measured: arrival.worstMs,
      ...atMost(1_000, ' ms'),
    },
    {
      of: 'overlay',
      what: `whole after ${back.cutMs / 1000} s cut off, at worst`,
      measured: back.worstMs,
      ...atMost(5_000, ' ms'),
    },
    { of, what: 'an agent that starts leads to all', measured: hosts.coldMs, ...atMost(5_000, ' ms') },
    { of, what: "the agent's memory at its most", measured: hosts.peakMb, ...atMost(150, ' MB') },
  ];
}
