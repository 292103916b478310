import { sleep } from '../client/backoff.ts';
import { TimeLimit } from '../http/time-limit.ts';
import { type Etcd, EtcdError, type KeyValue, type WatchEvent } from './etcd.ts';

/** What a follower is told, in order. */
export type Followed =
  /** All that there is: at the beginning, after every gap, and now and then to be sure. */
  | { readonly kind: 'whole'; readonly revision: number; readonly kvs: readonly KeyValue[] }
  | { readonly kind: 'changes'; readonly revision: number; readonly events: readonly WatchEvent[] }
  /**
   * The cluster is not to be reached, or refuses: what was told holds no longer, until `whole` comes again. Told once for
   * each reason, until the cluster was followed for the time of a heartbeat.
   */
  | { readonly kind: 'lost'; readonly because: string };

export type FollowOptions = {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly tell: (followed: Followed) => void;
  /** How often the cluster is asked for a sign of life, in milliseconds: a connection that was cut tells nothing. */
  readonly heartbeatMs?: number;
  /** How often everything is read again, in milliseconds. */
  readonly wholeEveryMs?: number;
  /** The longest pause between two attempts to reach the cluster, in milliseconds. */
  readonly longestPauseMs?: number;
};

/** A heartbeat that takes longer than this has failed. */
const heartbeatLimitMs = 1_500;

const firstPauseMs = 100;

/** Follows a prefix through outages, lost connections and compaction until the signal; never rejects. */
export async function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const losses = new Losses(options.tell);
  while (!signal.aborted) {
    try {
      await followOnce(options, { signal, isSteady: () => losses.forget() });
      losses.forget();
    } catch (error) {
      if (!signal.aborted) losses.add(error);
    }
    await sleep(pauseMs(losses.inARow, options.longestPauseMs ?? 2_000), signal);
  }
}

/** Half of it is chance, so that those who lost the same server do not come back together. */
function pauseMs(failures: number, longestMs: number): number {
  if (failures === 0) return 0;
  return Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 20), longestMs) * (1 - Math.random() / 2);
}

/** Failures since the cluster was last followed for the time of a heartbeat. */
class Losses {
  readonly #tell: FollowOptions['tell'];
  readonly #told = new Set<string>();
  inARow = 0;

  constructor(tell: FollowOptions['tell']) {
    this.#tell = tell;
  }

  /** What the next attempt puts right, as another member does where one has ended, is not worth telling. */
  add(error: unknown): void {
    this.inARow++;
    const isPassing =
      error instanceof EtcdError && (error.kind === 'unreachable' || error.kind === 'compacted');
    if (isPassing && this.inARow === 1) return;
    const because = error instanceof Error ? error.message : String(error);
    if (this.#told.has(because)) return;
    this.#told.add(because);
    this.#tell({ kind: 'lost', because });
  }

  forget(): void {
    this.inARow = 0;
    this.#told.clear();
  }
}

type Round = { readonly signal: AbortSignal; readonly isSteady: () => void };

/**
 * Reads everything, then tells what changes, until everything is to be read again. A gap is never bridged by a watch alone:
 * what answers after it may be another cluster at the same address, or one that was restored from a backup.
 */
async function followOnce(options: FollowOptions, { signal, isSteady }: Round): Promise<void> {
  const { etcd, prefix, tell, wholeEveryMs = 60_000 } = options;
  const { revision, kvs } = await etcd.list(prefix, signal);
  if (signal.aborted) return;
  tell({ kind: 'whole', revision, kvs });
  using round = new TimeLimit([signal], wholeEveryMs * (1 - Math.random() / 4));
  const progress = { revision };
  const tasks = [
    tellChanges(options, progress, round.signal),
    awaitSilence(options, progress, { signal: round.signal, isSteady }),
  ];
  try {
    await Promise.race(tasks);
  } catch (error) {
    // A heartbeat that was under way when the round's time was over has not failed.
    if (!round.signal.aborted) throw error;
  } finally {
    round.end();
    await Promise.allSettled(tasks);
  }
}

/** The revision up to which everything has been told. */
type Progress = { revision: number };

async function tellChanges(
  { etcd, prefix, tell }: FollowOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for await (const { revision, events } of etcd.watch(prefix, progress.revision + 1, signal)) {
    if (signal.aborted) return;
    progress.revision = revision;
    tell({ kind: 'changes', revision, events });
  }
}

/**
 * Resolves when everything is to be read again, since the watch may be with a member that is silent now, or its store has
 * gone back. Rejects when there is no sign of life.
 */
async function awaitSilence(
  { etcd, prefix, heartbeatMs = 2_000 }: FollowOptions,
  progress: Readonly<Progress>,
  { signal, isSteady }: Round,
): Promise<void> {
  const { endpoint } = etcd;
  for (;;) {
    await sleep(heartbeatMs, signal);
    if (signal.aborted) return;
    const revision = await awaitSignOfLife(etcd, prefix, signal);
    if (etcd.endpoint !== endpoint || revision < progress.revision) return;
    isSteady();
  }
}

/** @returns the store's revision */
async function awaitSignOfLife(etcd: Etcd, prefix: string, signal: AbortSignal): Promise<number> {
  const { endpoint } = etcd;
  using limit = new TimeLimit([signal], heartbeatLimitMs);
  try {
    return (await etcd.get(prefix, limit.signal)).revision;
  } catch (error) {
    if (error instanceof EtcdError) throw error;
    const text = `etcd at ${endpoint}: no sign of life within ${heartbeatLimitMs} ms`;
    throw new EtcdError('unreachable', endpoint, text, error);
  }
}
