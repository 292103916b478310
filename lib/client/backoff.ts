const firstMs = 250;
const longestMs = 10_000;

/**
 * How long to wait before the next try: twice as long each time, up to 10 s, and up to half of it less at random, so that
 * clients which lost the same agent do not come back together.
 * @param failures tries that have failed in a row, from 1
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const fullMs = Math.min(firstMs * 2 ** Math.min(failures - 1, 20), longestMs);
  return fullMs * (1 - random() / 2);
}

/** Resolves after so long, or when the signal says so. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  });
}
