import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { CommandFailure } from '../errors/command-failure.ts';
import type { Batch } from '../plan/batch.ts';
import { describeOperation } from '../plan/describe.ts';
import { renderBatch } from '../plan/render.ts';
import type { Command, Outcome } from './command.ts';
import type { Machine } from './machine.ts';

/** The batches that a process carries out. */
export type ProcessBatch = Extract<Batch, { tool: 'ip' | 'bridge' | 'nft' }>;

/**
 * The one process for a batch.
 * @param goOn whether a line that fails is to be passed over (`ip -force`), as an undo wants it
 */
function toCommand(batch: ProcessBatch, goOn = false): Command {
  const stdin = `${renderBatch(batch).join('\n')}\n`;
  if (batch.tool === 'nft') return { file: 'nft', args: ['-f', '-'], stdin };
  return { file: batch.tool, args: [...(goOn ? ['-force'] : []), '-batch', '-'], stdin };
}

/**
 * Carries a batch out in this thread's namespace; none at all for one without operations.
 * @throws CniError whose cause is the CommandFailure
 */
export function runBatch(batch: ProcessBatch, machine: Pick<Machine, 'run'>, goOn = false): void {
  if (batch.operations.length === 0) return;
  const command = toCommand(batch, goOn);
  const failure = toFailure(batch, command, machine.run(command));
  if (failure !== undefined) throw new CniError(ErrorCode.internal, failure.message, { cause: failure });
}

/** The failure that an outcome means for a batch, or undefined where it succeeded. */
function toFailure(batch: ProcessBatch, command: Command, outcome: Outcome): CommandFailure | undefined {
  if (outcome.status === 0) return undefined;
  const line = batch.tool === 'nft' ? undefined : failedLine(outcome.stderr);
  const culprit = line === undefined ? undefined : batch.operations[line];
  const blamed =
    culprit ?? (batch.operations.length === 1 || batch.tool === 'nft' ? batch.operations[0] : undefined);
  return new CommandFailure({
    argv: [command.file, ...command.args],
    stdin: command.stdin,
    status: outcome.status,
    stderr: outcome.stderr,
    operation: blamed === undefined ? undefined : describeOperation(blamed),
    line,
  });
}

/** Which line of a batch stopped it, from 0: iproute2 prints `Command failed -:N`, counted from 1. */
function failedLine(stderr: string): number | undefined {
  const found = /^Command failed -:(\d+)/m.exec(stderr)?.[1];
  return found === undefined ? undefined : Number(found) - 1;
}
