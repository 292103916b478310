import type { Clock } from '../../../lib/health/clock.ts';

/** A clock that stands still until the test moves it. */
export type FakeClock = Clock & {
  /** Runs what is due on the way, each at its time, and what it sets off. */
  readonly advance: (ms: number) => Promise<void>;
  /** The process stands still: nothing runs on the way, all of it afterwards. */
  readonly stall: (ms: number) => Promise<void>;
};

export function createFakeClock(): FakeClock {
  const timers = new Set<{ readonly atMs: number; readonly work: () => void }>();
  let nowMs = 0;
  const runDue = async (untilMs: number) => {
    for (;;) {
      const due = [...timers].filter(({ atMs }) => atMs <= untilMs);
      const [first] = due.toSorted((one, other) => one.atMs - other.atMs);
      if (first === undefined) return;
      timers.delete(first);
      nowMs = Math.max(nowMs, first.atMs);
      first.work();
      await settled();
    }
  };
  return {
    nowMs: () => nowMs,
    after: (delayMs, work) => {
      const timer = { atMs: nowMs + delayMs, work };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      await runDue(untilMs);
      nowMs = untilMs;
    },
    stall: async (ms) => {
      nowMs += ms;
      await runDue(nowMs);
    },
  };
}

/** Lets promises that are settled already take effect. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
