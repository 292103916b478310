import {
  type Command,
  defaultTimeoutMs,
  minimalEnvironment,
  notStarted,
  type Run,
  type RunSync,
} from './command.ts';

/** Loaded when first needed: it costs a call that starts no process 1 ms. */
const childProcess = () => process.getBuiltinModule('node:child_process');

/** Most of what a tool may print; `ip -j` of a thousand links is well below. */
const mostOutputBytes = 64 * 1024 * 1024;

/** The runner of the ADD path: `spawnSync` and nothing else to load. */
export function createSpawnSyncRunner(path: string | undefined): RunSync {
  const fallback = minimalEnvironment(path);
  return ({ file, args, stdin, env, timeoutMs }: Command) => {
    const ended = childProcess().spawnSync(file, args, {
      input: stdin ?? '',
      env: env ?? fallback,
      timeout: timeoutMs ?? defaultTimeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: mostOutputBytes,
      encoding: 'utf8',
    });
    if (ended.pid === 0 && ended.error !== undefined) return notStarted(file, ended.error);
    return { status: ended.status ?? ended.signal ?? undefined, stdout: ended.stdout, stderr: ended.stderr };
  };
}

/** The runner for processes whose waits are to overlap (two kernel waits on DEL). */
export function createSpawnRunner(path: string | undefined): Run {
  const fallback = minimalEnvironment(path);
  return ({ file, args, stdin, env, timeoutMs }: Command) =>
    new Promise((resolve) => {
      const child = childProcess().spawn(file, args, {
        env: env ?? fallback,
        timeout: timeoutMs ?? defaultTimeoutMs,
        killSignal: 'SIGKILL',
        stdio: 'pipe',
      });
      const output = { stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
      // A process that ends before it has read its stdin breaks the pipe; its exit status tells.
      child.stdin.on('error', () => undefined);
      child.stdin.end(stdin ?? '');
      child.on('error', (error) => resolve(notStarted(file, error)));
      child.on('close', (status, signal) => resolve({ status: status ?? signal ?? undefined, ...output }));
    });
}
