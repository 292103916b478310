import type { Fields } from '../cni/fields.ts';
import { parseDuration } from './duration.ts';

/** Durations as the configuration has them, both included. */
export type DurationLimits = {
  readonly shortest: string;
  readonly longest: string;
  /** What else the field may say, for the message. */
  readonly or?: string;
};

/**
 * A field that holds a duration, in milliseconds; undefined where it is not there.
 * @throws CniError code 7
 */
export function durationField(
  fields: Fields,
  name: string,
  { shortest, longest, or }: DurationLimits,
): number | undefined {
  const [leastMs = 0, mostMs = 0] = [shortest, longest].map(parseDuration);
  const expected = `a duration from ${shortest} to ${longest}${or === undefined ? '' : `, or "${or}"`}`;
  return fields.parsed(name, expected, (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= leastMs && ms <= mostMs ? ms : undefined;
  });
}
