import { execa } from 'execa';
import { type Command, defaultTimeoutMs, minimalEnvironment, notStarted, type Run } from './command.ts';

/** The runner of what lives long: the command line, scripts and tests. */
export function createExecaRunner(path: string | undefined): Run {
  const fallback = minimalEnvironment(path);
  return async ({ file, args, argv0, stdin, env, timeoutMs }: Command) => {
    const ended = await execa(file, args, {
      ...(argv0 === undefined ? {} : { argv0 }),
      input: stdin ?? '',
      env: env ?? fallback,
      extendEnv: false,
      timeout: timeoutMs ?? defaultTimeoutMs,
      killSignal: 'SIGKILL',
      reject: false,
      // Its handler of signals sends them again where it is the last one to listen, and ours has left by then.
      cleanup: false,
      stripFinalNewline: false,
    });
    if (ended.exitCode === undefined && ended.signal === undefined) {
      return notStarted(file, { code: ended.code, message: ended.shortMessage ?? 'did not start' });
    }
    return { status: ended.exitCode ?? ended.signal, stdout: ended.stdout, stderr: ended.stderr };
  };
}
