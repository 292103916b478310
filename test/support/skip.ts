import type { TestContext } from 'vitest';

/** Skips the test that runs, saying why on the console, unless the machine has what it needs. */
export function skipUnless(context: TestContext, isThere: boolean, reason: string): void {
  if (isThere) return;
  console.log(`SKIPPED: ${context.task.name}: ${reason}`);
  context.skip(reason);
}
