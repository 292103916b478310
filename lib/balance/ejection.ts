import type { Candidate, InstanceState } from './candidate.ts';

/** When an instance that fails is left out for a while, although its health check passes. */
export type Ejection = {
  /** Failures in a row that eject. */
  readonly failures: number;
  /** How long the first time; each further time so much longer. */
  readonly baseMs: number;
  readonly longestMs: number;
  /** Of a service's instances, so large a part at most is left out at once; never the last one. */
  readonly mostRatio: number;
};

export const defaultEjection: Ejection = {
  failures: 5,
  baseMs: 10_000,
  longestMs: 300_000,
  mostRatio: 0.5,
};

/**
 * Counts a call's end.
 * @returns whether it ejects the instance now
 */
export function countOutcome(
  state: InstanceState,
  { failed, nowMs }: { readonly failed: boolean; readonly nowMs: number },
  ejection: Ejection,
): boolean {
  // Calls that were under way when it was ejected say nothing new.
  if (state.ejectedUntilMs > nowMs) return false;
  state.failuresInARow = failed ? state.failuresInARow + 1 : 0;
  if (state.failuresInARow < ejection.failures) return false;
  const isRelapse = nowMs - state.ejectedUntilMs <= ejection.longestMs;
  state.timesEjected = isRelapse ? state.timesEjected + 1 : 1;
  state.failuresInARow = 0;
  state.ejectedAtMs = nowMs;
  state.ejectedUntilMs = nowMs + Math.min(ejection.baseMs * state.timesEjected, ejection.longestMs);
  return true;
}

/**
 * The candidates that are left out now: those ejected first, as many as may be; what is ejected beyond that is picked
 * all the same, since too few would have to carry everything.
 */
export function leftOut(
  candidates: readonly Candidate[],
  nowMs: number,
  { mostRatio }: Ejection,
): ReadonlySet<Candidate> {
  const ejected = candidates.filter(({ state }) => state.ejectedUntilMs > nowMs);
  if (ejected.length === 0) return nobody;
  const most = Math.min(Math.floor(candidates.length * mostRatio), candidates.length - 1);
  if (ejected.length <= most) return new Set(ejected);
  ejected.sort((one, other) => one.state.ejectedAtMs - other.state.ejectedAtMs);
  return new Set(ejected.slice(0, most));
}

const nobody: ReadonlySet<Candidate> = new Set();
