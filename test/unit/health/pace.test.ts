import { expect, test } from 'vitest';
import { firstDelayMs, longestPeriodMs, nextStartMs } from '../../../lib/health/pace.ts';
import { Random } from '../../support/random.ts';

type Pace = { readonly intervalMs: number; readonly timeoutMs: number; readonly fall: number };

/** How long after a successful probe an instance that dies right behind it is critical, if no probe is answered. */
function detectionMs(pace: Pace, random: () => number): number {
  let startedAtMs = nextStartMs(pace, { startedAtMs: 0, wellAtMs: 0, failures: 0 }, random());
  for (let failures = 1; failures < pace.fall; failures++) {
    const next = nextStartMs(pace, { startedAtMs, wellAtMs: 0, failures }, random());
    startedAtMs = Math.max(next, startedAtMs + pace.timeoutMs);
  }
  return startedAtMs + pace.timeoutMs;
}

test('an instance that stops answering is critical within interval × fall + 1 s, timeouts of half the interval included', () => {
  const random = new Random();
  const uniform = () => random.below(1_000_000) / 1_000_000;
  for (let round = 0; round < 20_000; round++) {
    const intervalMs = 100 + random.below(120_000);
    const timeoutMs = 100 + random.below(Math.max(1, intervalMs / 2 - 100));
    const fall = 1 + random.below(10);
    const pace = { intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs / 2), fall };
    const chance = round % 2 === 0 ? uniform : () => 0;
    expect(detectionMs(pace, chance), JSON.stringify(pace)).toBeLessThanOrEqual(intervalMs * fall + 500.001);
  }
});

test('with a fall of 3 the same holds for timeouts of five sixths of the interval', () => {
  for (const intervalMs of [100, 1_000, 5_000, 10_000, 60_000]) {
    const pace = { intervalMs, timeoutMs: (intervalMs * 5) / 6, fall: 3 };
    expect(detectionMs(pace, () => 0)).toBeLessThanOrEqual(intervalMs * 3 + 500.001);
  }
});

test('where the timeout leaves room, periods are between 0.9 and 1 interval', () => {
  const random = new Random();
  const pace = { intervalMs: 10_000, timeoutMs: 5_000, fall: 3 };
  const past = { startedAtMs: 7, wellAtMs: 7, failures: 0 };
  const periods = Array.from(
    { length: 1_000 },
    () => nextStartMs(pace, past, random.below(10_000) / 10_000) - past.startedAtMs,
  );
  expect(Math.max(...periods)).toBeLessThanOrEqual(10_000);
  expect(Math.min(...periods)).toBeGreaterThanOrEqual(9_000);
  expect(Math.max(...periods) - Math.min(...periods)).toBeGreaterThan(900);
});

test('no timeout makes checks come more than twice as often as asked', () => {
  expect(longestPeriodMs({ intervalMs: 10_000, timeoutMs: 10_000, fall: 1 })).toBe(5_000);
  expect(longestPeriodMs({ intervalMs: 10_000, timeoutMs: 60_000, fall: 3 })).toBe(5_000);
  expect(longestPeriodMs({ intervalMs: 1_000, timeoutMs: 100, fall: 1 })).toBe(1_000);
});

test('a failing instance is asked sooner only so far that unanswered probes fit in', () => {
  const pace = { intervalMs: 10_000, timeoutMs: 5_000, fall: 3 };
  const startedAtMs = 10_000;
  expect(nextStartMs(pace, { startedAtMs, wellAtMs: 0, failures: 1 }, 0)).toBe(17_750);
  expect(nextStartMs(pace, { startedAtMs: 17_750, wellAtMs: 0, failures: 2 }, 0)).toBe(25_500);
});

test('instances found at the start are spread over a period, newcomers are asked within a second', () => {
  const pace = { intervalMs: 10_000, timeoutMs: 1_000, fall: 3 };
  expect(firstDelayMs(pace, false, 0.999)).toBeCloseTo(9_990);
  expect(firstDelayMs(pace, true, 0.999)).toBeCloseTo(999);
  expect(firstDelayMs({ ...pace, intervalMs: 200, timeoutMs: 100 }, true, 0.5)).toBe(100);
});
