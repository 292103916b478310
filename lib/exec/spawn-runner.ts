import { readFileSync } from 'node:fs';
import { ifExists } from '../errors/system-error.ts';
import {
  type Command,
  defaultTimeoutMs,
  minimalEnvironment,
  notStarted,
  type RunSync,
  type StartDetached,
} from './command.ts';

/** Loaded when first needed: it costs a call that starts no process 1 ms. */
const childProcess = () => process.getBuiltinModule('node:child_process');

/** Most of what a tool may print; `ip -j` of a thousand links is well below. */
const mostOutputBytes = 64 * 1024 * 1024;

/** The runner of the ADD path: `spawnSync` and nothing else to load. */
export function createSpawnSyncRunner(path: string | undefined): RunSync {
  const fallback = minimalEnvironment(path);
  return ({ file, args, argv0, stdin, env, timeoutMs }: Command) => {
    const ended = childProcess().spawnSync(file, args, {
      ...(argv0 === undefined ? {} : { argv0 }),
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

/**
 * Starts a process that this one does not wait for: its output goes nowhere, and it outlives us where it must.
 * Whoever starts it looks at what it was to bring about.
 */
export function createDetachedStarter(path: string | undefined): StartDetached {
  const env = minimalEnvironment(path);
  return ({ file, args }) => {
    const child = childProcess().spawn(file, args, { env, stdio: 'ignore', detached: true });
    // A program that is not there shows in what has not come about; the event must not end this process.
    child.on('error', () => undefined);
    child.unref();
    return { hasEnded: () => child.pid === undefined || hasEnded(child.pid) };
  };
}

/** Asked of procfs, because no event is delivered while synchronous code runs: our own child ends as a zombie. */
function hasEnded(pid: number): boolean {
  const stat = ifExists(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat === undefined || stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
}
