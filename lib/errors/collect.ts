import { CniError, messageOf, toCniError } from './cni-error.ts';

/** One piece of a clean-up: what it does, in words for the operator, and the doing. */
export type CleanupStep = { readonly doing: string; readonly run: () => void };

/** Runs every step although some fail, and returns what failed, in order, each saying what was being done. */
export function runAll(steps: Iterable<CleanupStep>): CniError[] {
  const failures: CniError[] = [];
  for (const { doing, run } of steps) {
    try {
      run();
    } catch (error) {
      failures.push(describeFailure(doing, error));
    }
  }
  return failures;
}

/** Runs one piece of a clean-up after which others are to come, and returns what it threw. */
export function failuresOf(run: () => void): readonly CniError[] {
  try {
    run();
    return [];
  } catch (error) {
    return [toCniError(error)];
  }
}

function describeFailure(doing: string, error: unknown): CniError {
  const { code, message, details } = toCniError(error);
  return new CniError(code, `${doing}: ${message}`, {
    cause: error,
    ...(details === undefined ? {} : { details }),
  });
}

/** `first` with the later failures listed in its details; the code and message stay those of the first cause. */
export function withLaterFailures(first: unknown, later: readonly unknown[]): CniError {
  const cause = toCniError(first);
  if (later.length === 0) return cause;
  const lines = [cause.details, ...later.map((failure) => `then, cleaning up: ${messageOf(failure)}`)];
  return new CniError(cause.code, cause.message, {
    cause,
    details: lines.filter((line) => line !== undefined).join('; '),
  });
}

/** Throws the first of the failures with the others in its details; returns when there is none. */
export function throwCollected(failures: readonly unknown[]): void {
  const [first, ...later] = failures;
  if (first !== undefined) throw withLaterFailures(first, later);
}
