import type { Fields } from '../../lib/cni/fields.ts';
import { parseDuration } from '../../lib/registry/duration.ts';

/** Durations as the configuration has them, both included. */
export type DurationLimits = { readonly shortest: string; readonly longest: string };

/**
 * A field that holds a duration, in milliseconds; undefined where it is not there.
 * @throws CniError code 7
 */
export function durationField(
  fields: Fields,
  name: string,
  { shortest, longest }: DurationLimits,
): number | undefined {
  const [leastMs = 0, mostMs = 0] = [shortest, longest].map(parseDuration);
  return fields.parsed(name, `a duration from ${shortest} to ${longest}`, (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
  });
}
