import { execa } from 'execa';
import type { Outcome } from '../../lib/exec/command.ts';
import { createExecaRunner } from '../../lib/exec/execa-runner.ts';

/** Runs one process to its end; nothing is inherited but PATH. */
export const run = createExecaRunner(process.env.PATH);

/** Runs one process that must succeed. @returns its stdout */
export async function must(file: string, args: readonly string[], stdin?: string): Promise<string> {
  const outcome = await run({ file, args, ...(stdin === undefined ? {} : { stdin }) });
  if (outcome.status === 0) return outcome.stdout;
  throw new Error(`${[file, ...args].join(' ')}: ${outcome.status} ${outcome.stderr}${outcome.stdout}`);
}

/** The arguments of `nsenter` that run a command line in a named network namespace. */
export function inside(netns: string, ...commandLine: readonly string[]): readonly string[] {
  return [`--net=/run/netns/${netns}`, ...commandLine];
}

/** Runs a command in a named network namespace and hands back how it ended. */
export function tryInside(netns: string, ...commandLine: readonly string[]): Promise<Outcome> {
  return run({ file: 'nsenter', args: inside(netns, ...commandLine) });
}

/** Runs a command in a named network namespace, where it must succeed. @returns its stdout */
export function mustInside(netns: string, ...commandLine: readonly string[]): Promise<string> {
  return must('nsenter', inside(netns, ...commandLine));
}

/** A process of the test's own that runs beside it. */
export type Background = AsyncDisposable & {
  readonly pid: number;
  /** Resolves with all of stdout when the process has ended. */
  readonly ended: Promise<string>;
};

/** How long a process beside the test may live, in milliseconds. */
const longestLifeMs = 30_000;

/** Starts a process and waits until it has printed "ready" and a newline, as all scripts of these tests do. */
export async function startBeside(file: string, args: readonly string[]): Promise<Background> {
  const child = execa(file, args, { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL' });
  const ended = child.then(({ stdout }) => stdout);
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) resolve();
    });
    child.then(({ stderr }) => reject(new Error(`${file} ended before it was ready: ${stderr}`)));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
