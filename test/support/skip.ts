import type { TestContext } from 'vitest';
import { run } from './process.ts';

/** Skips the test that runs, saying why on the console, unless the machine has what it needs. */
export function skipUnless(context: TestContext, isThere: boolean, reason: string): void {
  if (isThere) return;
  console.log(`SKIPPED: ${context.task.name}: ${reason}`);
  context.skip(reason);
}

/** Skips a test where one of the programs is not installed. */
export async function requirePrograms(context: TestContext, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { status } = await run({ file: 'sh', args: ['-c', 'command -v "$1"', 'sh', name] });
    skipUnless(context, status === 0, `${name} is not installed`);
  }
}
