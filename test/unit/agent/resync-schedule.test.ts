import { expect, test } from 'vitest';
import { ResyncSchedule } from '../../../plugins/agent/resync-schedule.ts';

/** Runs for so long with somebody who asks after each comparison, and every 25 ms. @returns when each began, in whole seconds */
function runAsked(schedule: ResyncSchedule, fromMs: number, untilMs: number): readonly number[] {
  const begunMs: number[] = [];
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 25) {
    if (schedule.isDue(nowMs)) {
      schedule.begin(nowMs);
      begunMs.push(nowMs);
    }
    schedule.ask(nowMs);
  }
  return begunMs.map((ms) => Math.floor((ms - fromMs) / 1000));
}

test('begins by one, and repeats it about every minute', () => {
  const schedule = new ResyncSchedule();

  expect(schedule.isDue(0)).toBe(true);
  expect(schedule.begin(0)).toBe('asked');
  expect([schedule.isDue(44_900), schedule.isDue(75_000)]).toEqual([false, true]);
  expect(schedule.begin(75_000)).toBe('regular');
});

test('one that is asked for takes place at once', () => {
  const schedule = new ResyncSchedule();
  schedule.begin(0);

  schedule.ask(10_000);

  expect(schedule.isDue(10_000)).toBe(true);
  expect(schedule.begin(10_000)).toBe('asked');
});

test('those that are asked for again and again follow each other less and less often', () => {
  const schedule = new ResyncSchedule();

  const begun = runAsked(schedule, 0, 130_000);

  expect(begun.slice(0, 6)).toEqual([0, 0, 1, 3, 7, 15]);
  expect(begun.length).toBeLessThanOrEqual(10);
});

test('after a quiet minute one is at once again', () => {
  const schedule = new ResyncSchedule();
  runAsked(schedule, 0, 20_000);
  schedule.begin(31_000);

  schedule.ask(92_000);

  expect(schedule.isDue(92_000)).toBe(true);
});

test('one that has failed is repeated with the next attempt, and not taken for a regular one', () => {
  const schedule = new ResyncSchedule();
  schedule.begin(0);
  schedule.begin(75_000);

  schedule.fail();

  expect(schedule.isDue(75_000)).toBe(true);
  expect(schedule.begin(75_100)).toBe('asked');
});
