import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ifExists } from '../errors/system-error.ts';
import {
  type Command,
  type Detached,
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
    const complaints = openNameless();
    const stdio = ['ignore', 'ignore', complaints ?? 'ignore'] as const;
    const child = childProcess().spawn(file, args, { env, stdio: [...stdio], detached: true });
    // A program that is not there shows in what has not come about; the event must not end this process. Events come
    // when nobody looks any more: to a process that lives on, which must not keep the file.
    const forget = () => complaints === undefined || closeSync(complaints);
    child.on('error', () => undefined).once('close', forget);
    child.unref();
    return watch(child.pid, complaints);
  };
}

/** What is seen of a process below /proc, because no event is delivered while synchronous code runs. */
function watch(pid: number | undefined, complaints: number | undefined): Detached {
  return {
    hasEnded: () => pid === undefined || statOf(pid)?.startsWith('Z') !== false,
    status: () => (pid === undefined ? undefined : exitStatusOf(statOf(pid))),
    hasSocket: () => pid !== undefined && hasSocket(pid),
    hasComplained: () => complaints === undefined || fstatSync(complaints).size > 0,
  };
}

/** What /proc/<pid>/stat says from the state on; undefined where there is no such process. Our own child ends as a zombie. */
function statOf(pid: number): string | undefined {
  const stat = ifExists(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2);
}

/** The last column of what `statOf` gives is the status as wait(2) has it. */
function exitStatusOf(stat: string | undefined): number | undefined {
  if (stat?.startsWith('Z') !== true) return undefined;
  const waited = Number(stat.trim().split(' ').at(-1));
  return (waited & 0x7f) === 0 ? waited >> 8 : undefined;
}

function hasSocket(pid: number): boolean {
  const dir = `/proc/${pid}/fd`;
  const names = ifExists(() => readdirSync(dir)) ?? [];
  return names.some((name) => ifExists(() => readlinkSync(`${dir}/${name}`))?.startsWith('socket:') === true);
}

/** O_TMPFILE of asm-generic/fcntl.h with O_RDWR: a file without a name, which goes with the last who has it open. */
const nameless = 0o20200002;

function openNameless(): number | undefined {
  try {
    return openSync('/run', nameless, 0o600);
  } catch {
    return undefined;
  }
}
