/** Time as the health checks see it; tests hand in one of their own. */
export type Clock = {
  /** Milliseconds of a clock that never goes back and knows nothing of the wall's. */
  readonly nowMs: () => number;
  /** Runs `work` once, after so many milliseconds; the function returned prevents that. */
  readonly after: (delayMs: number, work: () => void) => () => void;
};

/** The process's own: a wall clock that is set changes nothing. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, Math.ceil(delayMs));
    return () => clearTimeout(timer);
  },
};
