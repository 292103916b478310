import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { CommandFailure } from '../errors/command-failure.ts';
import type { ProcessBatch } from '../plan/batch.ts';
import { describeOperation } from '../plan/describe.ts';
import { renderBatch } from '../plan/render.ts';
import type { Command, Outcome, Run } from './command.ts';
import type { Machine } from './machine.ts';

/** How a batch is carried out. */
type Manner = {
  /** Whether a line that fails is to be passed over (`ip -force`), as an undo wants it. */
  readonly goOn?: boolean;
  /** How many of the first operations are done already. */
  readonly done?: number;
};

/** The one process for a batch. Lines that are done are left empty: what the tool says of the others counts them. */
function toCommand(batch: ProcessBatch, { goOn = false, done = 0 }: Manner): Command {
  const lines = renderBatch(batch).map((line, index) => (index < done ? '' : line));
  const stdin = `${lines.join('\n')}\n`;
  if (batch.tool === 'nft') return { file: 'nft', args: ['-f', '-'], stdin };
  return { file: batch.tool, args: [...(goOn ? ['-force'] : []), '-batch', '-'], stdin };
}

/**
 * Carries a batch out in this thread's namespace: as far as there is a shortcut by that, the rest by one process.
 * @throws CniError whose cause is the CommandFailure
 */
export function runBatch(
  batch: ProcessBatch,
  { run, shortcut }: Pick<Machine, 'run' | 'shortcut'>,
  goOn = false,
): void {
  const done = shortcut.carryOut(batch);
  if (done === batch.operations.length) return;
  const outcome = run(toCommand(batch, { goOn, done }));
  const [first] = toFailures(batch, toCommand(batch, { goOn }), outcome);
  if (first !== undefined) throw toError(first);
}

/**
 * Carries a batch out in this process's namespace while the caller does other work; goes on over lines that fail.
 * @returns what failed, in order
 */
export async function runBatchAsync(batch: ProcessBatch, run: Run): Promise<readonly CniError[]> {
  if (batch.operations.length === 0) return [];
  const command = toCommand(batch, { goOn: true });
  return toFailures(batch, command, await run(command)).map(toError);
}

function toError(failure: CommandFailure): CniError {
  return new CniError(ErrorCode.internal, failure.message, { cause: failure });
}

/** The failures that an outcome means for a batch: one for each line that the tool names, or one for all of it. */
function toFailures(batch: ProcessBatch, command: Command, outcome: Outcome): readonly CommandFailure[] {
  if (outcome.status === 0) return [];
  const lines = batch.tool === 'nft' ? [] : failedLines(outcome.stderr);
  const isOne = batch.operations.length === 1 || batch.tool === 'nft';
  const blamed = lines.length > 0 ? lines : [{ line: undefined, stderr: outcome.stderr }];
  return blamed.map(({ line, stderr }) => {
    const culprit = batch.operations[line ?? (isOne ? 0 : -1)];
    return new CommandFailure({
      argv: [command.file, ...command.args],
      stdin: command.stdin,
      status: outcome.status,
      stderr,
      operation: culprit === undefined ? undefined : describeOperation(culprit),
      line,
    });
  });
}

type FailedLine = { readonly line: number; readonly stderr: string };

/**
 * Which lines of a batch failed, from 0, each with what was printed on it: iproute2 gives the reason and then
 * `Command failed -:N`, counted from 1.
 */
function failedLines(stderr: string): readonly FailedLine[] {
  const ends = [...stderr.matchAll(/^Command failed -:(\d+).*\n?/gm)];
  return ends.map((end, index) => {
    const before = ends[index - 1];
    const from = before === undefined ? 0 : before.index + before[0].length;
    return { line: Number(end[1]) - 1, stderr: stderr.slice(from, end.index + end[0].length) };
  });
}
