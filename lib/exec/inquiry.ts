import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { CommandFailure } from '../errors/command-failure.ts';
import type { Command, Outcome, Run, RunSync } from './command.ts';

/**
 * What is to be asked of the kernel's tools and what the answers mean, apart from how the tools are run: an ADD waits
 * for each, the agent does other work meanwhile. Yields a command, is given its outcome.
 */
export type Inquiry<T> = Generator<Command, T, Outcome>;

/** Makes the inquiry while the caller waits. @throws what the inquiry throws */
export function inquire<T>(inquiry: Inquiry<T>, run: RunSync): T {
  let step = inquiry.next();
  while (step.done !== true) step = inquiry.next(run(step.value));
  return step.value;
}

/** Makes the inquiry beside other work. @throws what the inquiry throws */
export async function inquireAsync<T>(inquiry: Inquiry<T>, run: Run): Promise<T> {
  let step = inquiry.next();
  while (step.done !== true) step = inquiry.next(await run(step.value));
  return step.value;
}

/** One question of an inquiry. @returns what the tool printed @throws CniError where it failed */
export function* outputOf(file: string, args: readonly string[]): Inquiry<string> {
  const outcome = yield { file, args };
  if (outcome.status === 0) return outcome.stdout;
  throw toError(file, args, outcome);
}

/** A tool that could not tell what it was asked. */
export function toError(file: string, args: readonly string[], { status, stderr }: Outcome): CniError {
  const failure = new CommandFailure({ argv: [file, ...args], stdin: undefined, status, stderr });
  return new CniError(ErrorCode.internal, failure.message, { cause: failure });
}
