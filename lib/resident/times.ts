import { type Phase, phases } from './stopwatch.ts';

/** The parts of a call, and all of them together. */
export const measures = [...phases, 'whole'] as const;

export type Measure = (typeof measures)[number];

/** The times of one call, in milliseconds. */
export type Times = Readonly<Record<Measure, number>>;

/** The times of a call's parts, and their sum. */
export function timesOf(ms: Readonly<Record<Phase, number>>): Times {
  return { ...ms, whole: phases.reduce((sum, phase) => sum + ms[phase], 0) };
}
