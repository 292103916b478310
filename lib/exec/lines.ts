import { execa } from 'execa';
import { type Command, minimalEnvironment } from './command.ts';

/** A process that prints lines for as long as it runs. */
export type Listening = AsyncDisposable & {
  /** Resolves, with the reason, when it has ended by itself. */
  readonly ended: Promise<string>;
};

/** Starts a process whose every line of stdout is told; disposing ends it. */
export type Listen = (command: Pick<Command, 'file' | 'args'>, tell: (line: string) => void) => Listening;

/** What outlives a process that was killed ends with the next line that it prints: nobody reads it. */
export function createListener(path: string | undefined): Listen {
  const env = minimalEnvironment(path);
  return ({ file, args }, tell) => {
    const child = execa(file, args, {
      env,
      extendEnv: false,
      stdin: 'ignore',
      buffer: { stdout: false, stderr: true },
      maxBuffer: { stderr: 10_000 },
      // Its handler of signals sends them again where it is the last one to listen, and ours has left by then.
      cleanup: false,
      killSignal: 'SIGKILL',
      reject: false,
    });
    const telling = readLines(child, tell);
    return {
      ended: Promise.all([child, telling]).then(([{ stderr, shortMessage, exitCode }]) =>
        stderr === '' ? (shortMessage ?? `${file} ended with ${exitCode}`) : stderr,
      ),
      [Symbol.asyncDispose]: async () => {
        child.kill();
        await child;
      },
    };
  };
}

async function readLines(child: AsyncIterable<unknown>, tell: (line: string) => void): Promise<void> {
  try {
    for await (const line of child) tell(String(line));
  } catch {
    // The process has been killed: `ended` says so.
  }
}
