import { mkdirSync, realpathSync, rmdirSync, statSync, utimesSync } from 'node:fs';
import { lockSync } from 'proper-lockfile';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { errnoOf, ifExists, onFiles } from '../../lib/errors/system-error.ts';
import type { Tried } from '../../lib/exec/tried.ts';

/**
 * How long a holder that was killed keeps others waiting, in milliseconds: the least that proper-lockfile allows.
 * Nothing is spawned and nothing waited for under the lock, so a live holder needs a fraction of it.
 */
const staleMs = 2_000;
/** The first waiter's turn comes within a few ms; of fifty, most would only take the processor from the one at work. */
const firstPollMs = 2;
const longestPollMs = 30;
const patienceMs = 20_000;

/**
 * What the lock needs of the file system. To learn how fine its times are, proper-lockfile sets a new lock's to the next
 * full second; should its holder be killed then, others would wait for up to 3 s. Without that, a lock has the time at
 * which it was made.
 */
const fileSystem = { mkdirSync, realpathSync, rmdirSync, statSync, utimesSync: () => undefined };

/** Which lock, and how it is waited for. */
export type LockRequest = {
  /** The lock's directory, made where absent. */
  readonly dir: string;
  /** The lock is a directory entry: with a full disk there is none to be had, and a release must work then, too. */
  readonly onFullDisk: 'fail' | 'go on';
  readonly sleep: (ms: number) => void;
};

/**
 * Runs `work` with a directory's lock held.
 *
 * The lock serialises what spans files: the round robin, the index, the reclaiming. That no address is given
 * twice does not hang on it (a lease file is created exclusively), so a lock lost to the stale limit is harmless,
 * and so is a reference `host-local` working beside us, whose flock does not see it.
 * @param keepAlive (handed to `work`) to be called now and then by work that may outlast the stale limit
 * @throws CniError code 11 when another process keeps the lock for 20 s; code 5 when the directory cannot be written
 */
export function withLock<T>(request: LockRequest, work: (keepAlive: () => void) => T): T {
  const { dir } = request;
  const path = lockPathOf(dir);
  return workLocked(path, acquire(dir, path, request), work);
}

/**
 * The same for a caller that must not wait: where another process holds the lock, nothing is done.
 * @throws CniError code 5 when the directory cannot be written
 */
export function tryWithLock<T>(
  { dir, onFullDisk }: Omit<LockRequest, 'sleep'>,
  work: (keepAlive: () => void) => T,
): Tried<T> {
  const path = lockPathOf(dir);
  const release = tryAcquire(dir, path, onFullDisk);
  return release === undefined
    ? { kind: 'locked' }
    : { kind: 'done', answer: workLocked(path, release, work) };
}

function lockPathOf(dir: string): string {
  return `${dir}/lock`;
}

function workLocked<T>(path: string, release: () => void, work: (keepAlive: () => void) => T): T {
  try {
    return work(() => ifExists(() => touch(path)));
  } finally {
    releaseQuietly(release);
  }
}

function acquire(dir: string, path: string, { sleep, onFullDisk }: LockRequest): () => void {
  let pollMs = firstPollMs;
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    const release = tryAcquire(dir, path, onFullDisk);
    if (release !== undefined) return release;
    sleep(pollMs * (0.5 + Math.random()));
    pollMs = Math.min(pollMs * 2, longestPollMs);
  }
  throw new CniError(
    ErrorCode.tryAgainLater,
    `${path} has been held for ${patienceMs / 1000} s; see which process works on this network's leases`,
  );
}

function tryAcquire(
  dir: string,
  path: string,
  onFullDisk: LockRequest['onFullDisk'],
): (() => void) | undefined {
  return onFiles(`locking ${dir}`, () => {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      return lockSync(dir, {
        lockfilePath: path,
        stale: staleMs,
        realpath: false,
        onCompromised: () => undefined,
        fs: fileSystem,
      });
    } catch (error) {
      // ENOENT: of several that found a stale lock, another one was first.
      if (['ELOCKED', 'ENOENT'].includes(errnoOf(error) ?? '')) return undefined;
      if (onFullDisk === 'go on' && ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? ''))
        return () => undefined;
      throw error;
    }
  });
}

function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

/** A lock that was lost to the stale limit, or whose directory has gone, cannot be released and need not be. */
function releaseQuietly(release: () => void): void {
  try {
    release();
  } catch {
    // Nothing depends on it: see withLock.
  }
}
