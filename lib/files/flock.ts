import { closeSync, openSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { loadLibc } from '../exec/libc.ts';

/** How a directory's lock is waited for. */
export type LockWait = { readonly sleep: (ms: number) => void; readonly patienceMs: number };

const lockExclusively = 2;
const withoutWaiting = 4;
const pollMs = 50;

/**
 * Runs `work` while this process holds flock(2) on a directory: it needs no file, and the kernel releases it however
 * the process ends.
 * @throws CniError code 11 when another process keeps it for longer than the patience
 */
export function withFlock<T>(dir: string, { sleep, patienceMs }: LockWait, work: () => T): T {
  const flock = loadFlock();
  const file = openSync(dir, 'r');
  try {
    for (let waitedMs = 0; flock(file, lockExclusively | withoutWaiting) !== 0; waitedMs += pollMs) {
      if (waitedMs >= patienceMs) throw refused(dir, patienceMs);
      sleep(pollMs);
    }
    return work();
  } finally {
    closeSync(file);
  }
}

function refused(dir: string, patienceMs: number): CniError {
  return new CniError(
    ErrorCode.tryAgainLater,
    `${dir} could not be locked for ${patienceMs / 1000} s: another process keeps it, or its file system has no locks; see "fuser ${dir}"`,
  );
}

type Flock = (fd: number, kind: number) => number;

function loadFlock(): Flock {
  const signature = { return: 'i32', arguments: ['i32', 'i32'] };
  return loadLibc<{ readonly flock: Flock }>({ flock: signature }).flock;
}
