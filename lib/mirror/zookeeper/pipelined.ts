import { unlessAborted } from '../../http/unless-aborted.ts';

/** Requests on their way at once: enough that the server is never waited for, few enough to hold their answers. */
const usualWidth = 256;

/**
 * Does the same for many, so many of them at once. After a failure, and after the signal, nothing more is begun; both reject
 * at once.
 * @returns what came of each, in their order
 */
export async function pipelined<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  signal: AbortSignal,
  width = usualWidth,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  let isOver = false;
  const go = async () => {
    while (!isOver && next < items.length) {
      const at = next++;
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  try {
    await untilAborted(() => Promise.all(Array.from({ length: Math.min(width, items.length) }, go)), signal);
    return results;
  } finally {
    isOver = true;
  }
}

/** What the work brings, which is not begun after the signal; with the signal it rejects at once. */
export async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return unlessAborted(work(), signal);
}
