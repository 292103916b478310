import type { CheckTiming } from '../registry/health-check.ts';

/**
 * When checks are made.
 *
 * What is promised: an instance that stops answering is critical within interval × fall + 1 s. It may stop right after
 * it was asked, and a probe that gets no answer takes the whole timeout, so neither "the next one an interval later" nor
 * jitter that lengthens a period would keep that. Half of the second is for everything that is not a probe: late timers,
 * the transaction, the reader's poll.
 */
const slackMs = 500;

/** Periods vary by so much, always downwards, so that checks which began together drift apart. */
const jitter = 0.1;

/** An instance that is new gets its first check within this, or within its interval if that is shorter. */
const newcomerMs = 1_000;

type Pace = Pick<CheckTiming, 'intervalMs' | 'timeoutMs' | 'fall'>;

/**
 * How long after one check the next may begin. The interval, unless the timeout is so long that `fall` probes without an
 * answer would not fit in: then less, but never less than half. So the promise holds for timeouts of up to half the
 * interval, with a `fall` of 3 up to five sixths of it; of a longer timeout the rest, `fall` times, comes on top.
 */
export function longestPeriodMs({ intervalMs, timeoutMs, fall }: Pace): number {
  const fitting = fall * (intervalMs - timeoutMs) + slackMs;
  return Math.min(intervalMs, Math.max(fitting, intervalMs / 2));
}

/** How a check's last probe went. */
export type Past = {
  readonly startedAtMs: number;
  /** When the last successful probe began; before the first one, when the instance became known. */
  readonly wellAtMs: number;
  /** Failures in a row of an instance that is still passing. */
  readonly failures: number;
};

/**
 * When the next probe begins: a jittered period after the last one began, or earlier where failures have begun, so that
 * the probes still needed share the time that is left for them evenly.
 * @param random from 0 up to, and without, 1
 */
export function nextStartMs(pace: Pace, past: Past, random: number): number {
  const { startedAtMs, wellAtMs, failures } = past;
  const regularMs = startedAtMs + longestPeriodMs(pace) * (1 - jitter * random);
  if (failures === 0) return regularMs;
  const lastStartMs = wellAtMs + pace.fall * pace.intervalMs + slackMs - pace.timeoutMs;
  const shareMs = (lastStartMs - startedAtMs) / (pace.fall - failures);
  return Math.min(regularMs, startedAtMs + Math.max(0, shareMs));
}

/**
 * How long until the first probe: instances found at the start are spread over a whole period, so that 10,000 do not
 * fire at once, which the promise has room for (its time counts from a probe that went well, one period before); an
 * instance that comes later is asked within a second.
 */
export function firstDelayMs(pace: Pace, isNewcomer: boolean, random: number): number {
  const periodMs = longestPeriodMs(pace);
  return random * (isNewcomer ? Math.min(newcomerMs, periodMs) : periodMs);
}
