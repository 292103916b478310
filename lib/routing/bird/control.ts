import { cutForeign } from '../../daemon/foreign-text.ts';
import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import type { Run } from '../../exec/command.ts';
import { parseReply, type ReplyLine, refusalIn } from './reply.ts';

/** What is needed to speak with a BIRD. */
export type BirdControl = {
  readonly run: Run;
  /** Absolute path. */
  readonly socket: string;
};

/** One that has been stopped holds its socket open. */
const timeoutMs = 5_000;

/**
 * Tells BIRD a command.
 * @returns its answer
 * @throws CniError code 11 where it does not answer, code 999 where it does not do it
 */
export async function tellBird(command: string, control: BirdControl): Promise<readonly ReplyLine[]> {
  const { run, socket } = control;
  const args = ['-v', '-s', socket, ...command.split(' ')];
  const { status, stdout, stderr } = await run({ file: 'birdc', args, timeoutMs });
  const lines = parseReply(stdout);
  const refusal = refusalIn(lines);
  if (refusal !== undefined)
    throw new CniError(ErrorCode.internal, `BIRD does not do "${command}": ${cutForeign(refusal)}`);
  if (status === 0 && lines.length > 1) return lines;
  throw new CniError(ErrorCode.tryAgainLater, describeSilence(socket, whyOf(status, stderr)));
}

function whyOf(status: number | string | undefined, stderr: string): string {
  if (stderr.trim() !== '') return cutForeign(stderr.trim());
  return typeof status === 'string' ? `no answer within ${timeoutMs / 1000} s` : `birdc ended with ${status}`;
}

function describeSilence(socket: string, why: string): string {
  return (
    `BIRD does not answer at ${socket} (${why}): start it (systemctl enable --now fairlead-bird); ` +
    'until then the routes stay as they were'
  );
}
