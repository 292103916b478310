/** What is known of an instance's response times. */
export type LatencyEstimate = {
  /** Exponentially weighted moving average. */
  readonly averageMs: number;
  /** The same, but raised at once by a slower answer: an instance in trouble is left quickly and tried again slowly. */
  readonly peakMs: number;
  readonly atMs: number;
};

/** After so long a sample weighs 1/e of what it did. */
const decayMs = 10_000;

/** What a failed call counts as at least: a refused connection is quick, and must not make an instance look fast. */
const failureMs = 1_000;

/** The estimate after one more call, successful or not. */
export function observeLatency(
  estimate: LatencyEstimate | undefined,
  { latencyMs, failed }: { readonly latencyMs: number; readonly failed: boolean },
  nowMs: number,
): LatencyEstimate {
  const sampleMs = failed ? Math.max(latencyMs, failureMs) : latencyMs;
  if (estimate === undefined) return { averageMs: sampleMs, peakMs: sampleMs, atMs: nowMs };
  const kept = keptSince(estimate.atMs, nowMs);
  const blend = (formerMs: number) => formerMs * kept + sampleMs * (1 - kept);
  return {
    averageMs: blend(estimate.averageMs),
    peakMs: Math.max(sampleMs, blend(estimate.peakMs)),
    atMs: nowMs,
  };
}

/**
 * How much of an estimate still counts: what has not been asked for a while seems ever faster, until it is asked again.
 * Without that, an instance that was slow once would never get the chance to be quick.
 */
export function keptSince(atMs: number, nowMs: number): number {
  return Math.exp((atMs - nowMs) / decayMs);
}
