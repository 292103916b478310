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

type Failure = { readonly status: number | string | undefined; readonly stderr: string };

/** Why a program failed, on one line. */
export function whyNot(argv: readonly string[], failure: Failure): string {
  const reason = firstLine(failure);
  if (failure.status === undefined) return reason;
  return `${argv.join(' ')}: ${reason}${/not permitted|permission denied/i.test(reason) ? '; run it as root' : ''}`;
}

/** The first line in which it says something. */
export function firstLine({ status, stderr }: Failure): string {
  const line = stderr.split('\n').find((each) => each.trim() !== '');
  return line?.trim() ?? `ended with ${status}`;
}
