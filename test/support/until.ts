import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a condition, looking every 20 ms; fails after 30 s. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  detail: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited 30 s for ${what}${detail()}`);
    await sleep(20);
  }
}
