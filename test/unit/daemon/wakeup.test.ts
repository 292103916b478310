import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Wakeup } from '../../../lib/daemon/wakeup.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;

/** A wait that is under way, and whether it has returned by now. */
function begin(wakeup: Wakeup, signal = never) {
  const waiting = { hasEnded: false };
  void wakeup.wait(1_000, signal).then(() => {
    waiting.hasEnded = true;
  });
  return waiting;
}

test('a wait returns when its time is over', async () => {
  const waiting = begin(new Wakeup());

  await vi.advanceTimersByTimeAsync(999);
  expect(waiting.hasEnded).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(waiting.hasEnded).toBe(true);
});

test('a wait returns at once when somebody wakes it', async () => {
  const wakeup = new Wakeup();
  const waiting = begin(wakeup);

  wakeup.wake();
  await vi.advanceTimersByTimeAsync(0);

  expect(waiting.hasEnded).toBe(true);
});

test('what woke nobody, since nobody waited, is not lost; and it counts once', async () => {
  const wakeup = new Wakeup();
  wakeup.wake();
  wakeup.wake();

  const first = begin(wakeup);
  await vi.advanceTimersByTimeAsync(0);
  const second = begin(wakeup);
  await vi.advanceTimersByTimeAsync(0);

  expect([first.hasEnded, second.hasEnded]).toEqual([true, false]);
});

test('a wait returns on the signal, and at once when that has come already', async () => {
  const ended = new AbortController();
  const wakeup = new Wakeup();
  const waiting = begin(wakeup, ended.signal);

  ended.abort();
  const late = begin(wakeup, ended.signal);
  await vi.advanceTimersByTimeAsync(0);

  expect([waiting.hasEnded, late.hasEnded]).toEqual([true, true]);
  expect(vi.getTimerCount()).toBe(0);
});
