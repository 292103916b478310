import type { Summary } from './statistics.ts';

/** One median as a multiple of another; undefined where one of them was not measured. */
export function ratio(one: Summary | undefined, other: Summary | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one.medianMs / other.medianMs;
}
