import type { Machine } from '../exec/machine.ts';

/** Something that could not be looked at, and why: its check is skipped, and says so. */
export class Unseen extends Error {
  constructor(because: string) {
    super(because);
    this.name = 'Unseen';
  }
}

/**
 * What a program prints.
 * @throws Unseen where it is not there, or fails
 */
export function ask({ run }: Pick<Machine, 'run'>, file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = run({ file, args });
  if (status === 0) return stdout;
  throw new Unseen(whyNot([file, ...args], { status, stderr }));
}

/** The reason of a program that failed, on one line. */
export function whyNot(
  argv: readonly string[],
  { status, stderr }: { readonly status: number | string | undefined; readonly stderr: string },
): string {
  const reason = stderr.split('\n').find((line) => line.trim() !== '')?.trim() ?? `ended with ${status}`;
  if (status === undefined) return reason;
  return `${argv.join(' ')}: ${reason}${/not permitted|permission denied/i.test(reason) ? '; run it as root' : ''}`;
}
