/** What a timed piece of work came to. */
export type Timed<T> =
  | { readonly kind: 'done'; readonly value: T; readonly latencyMs: number }
  | { readonly kind: 'failed'; readonly error: unknown; readonly latencyMs: number }
  | { readonly kind: 'late'; readonly latencyMs: number }
  /** The caller has called it off. */
  | { readonly kind: 'aborted'; readonly reason: unknown };

export type TimedOptions = { readonly timeoutMs: number; readonly signal: AbortSignal | undefined };

/**
 * Runs work for a time at most. Its signal is aborted when time is up or the caller calls it off; work that does not heed
 * it is left to itself.
 */
export async function withTimeout<T>(
  work: (signal: AbortSignal) => Promise<T> | T,
  { timeoutMs, signal }: TimedOptions,
): Promise<Timed<T>> {
  const startedAtMs = performance.now();
  const controller = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<Timed<T>>();
  const latency = () => performance.now() - startedAtMs;
  const abort = () => end({ kind: 'aborted', reason: signal?.reason });
  const timer = setTimeout(() => end({ kind: 'late', latencyMs: latency() }), timeoutMs);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  else {
    run(work, controller.signal).then(
      (value) => end({ kind: 'done', value, latencyMs: latency() }),
      (error: unknown) => end({ kind: 'failed', error, latencyMs: latency() }),
    );
  }
  const outcome = await ended;
  clearTimeout(timer);
  signal?.removeEventListener('abort', abort);
  if (outcome.kind === 'late' || outcome.kind === 'aborted') controller.abort(reasonOf(outcome, timeoutMs));
  return outcome;
}

/** Work that throws at once fails like work that throws later. */
async function run<T>(work: (signal: AbortSignal) => Promise<T> | T, signal: AbortSignal): Promise<T> {
  return work(signal);
}

function reasonOf(outcome: Timed<unknown>, timeoutMs: number): unknown {
  return outcome.kind === 'aborted'
    ? outcome.reason
    : new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError');
}
