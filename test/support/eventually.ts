import { setTimeout as sleep } from 'node:timers/promises';

/** What `find` finds, looking every 100 ms; fails after 30 s. */
export async function eventually<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited 30 s for ${what}`);
    await sleep(100);
  }
}
