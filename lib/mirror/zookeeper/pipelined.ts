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

/** What the work brings; with the signal it rejects at once, and what the work brings is left alone. */
export async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const end = () => reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([promise, work()]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
