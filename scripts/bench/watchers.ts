import { startAgent } from './agent.ts';
import type { Context } from './context.ts';
import { Helper } from './helper.ts';
import { storeOf } from './network.ts';
import { Rig } from './rig.ts';
import { median } from './statistics.ts';
import type { WatchKind } from './watching.ts';

/** What the process of the watchers is asked for. */
export type WatchRequest = {
  readonly kind: WatchKind;
  readonly count: number;
  /** Paths of the API's socket and of the registry. */
  readonly socket: string;
  readonly path: string;
  readonly changes: number;
};

/** How long it took from before a change until the last watcher had it: of one by another process, and of a POST. */
export type Told = { readonly committedMs: readonly number[]; readonly postedMs: readonly number[] };

/** How long it took until the last watcher had a change, by who made it. */
export type WatchFigures = {
  readonly kind: WatchKind;
  readonly changes: number;
  readonly committedMs: number;
  readonly postedMs: number;
  readonly worstMs: number;
};

/** So many watch at once. */
export const watchers = 1_000;

/** All of one kind, and then all of the other. */
export async function measureWatchers(context: Context): Promise<readonly WatchFigures[]> {
  return [await measureKind('stream', context), await measureKind('poll', context)];
}

async function measureKind(kind: WatchKind, context: Context): Promise<WatchFigures> {
  context.progress.tell(`watchers: ${kind}`);
  await using rig = new Rig(context, kind);
  const { interruption } = rig;
  const host = await rig.host();
  const { socket } = await startAgent(rig, host, context.ours);
  const options = { netns: host.name, script: 'watch-worker.ts', interruption };
  await using helper = new Helper<WatchRequest, Told>(options);
  const changes = context.isQuick ? 6 : 20;
  const path = storeOf(rig, host);
  const { committedMs, postedMs } = await helper.ask({ kind, count: watchers, socket, path, changes });
  return {
    kind,
    changes,
    committedMs: median(committedMs),
    postedMs: median(postedMs),
    worstMs: Math.max(...committedMs, ...postedMs),
  };
}
