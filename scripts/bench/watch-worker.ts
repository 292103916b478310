import { setTimeout } from 'node:timers/promises';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import type { Store } from '../../lib/registry/store.ts';
import { getText, postJson } from './api.ts';
import { readBootId } from './boot.ts';
import { draftOf } from './draft.ts';
import { addressOf } from './network.ts';
import { startCrowd } from './watch-crowd.ts';
import type { Told, WatchRequest } from './watchers.ts';

// A process that is all the watchers, and that also makes the changes: all times are of one clock.

/** Between two changes: the API takes so many requests a second from its callers, and each poll is one. */
const restMs = 400;

/** Far over the slowest watcher. */
const timeoutMs = 20_000;

process.on('message', async (request: WatchRequest) => {
  process.send?.(await measure(request));
});
process.on('disconnect', () => process.exit());

async function measure({ kind, count, socket, path, changes }: WatchRequest): Promise<Told> {
  using store = openStore({ path, bootId: readBootId() });
  using crowd = await startCrowd({ kind, count, socket, revision: store.revision() });
  const told = { committedMs: [] as number[], postedMs: [] as number[] };
  for (let change = 0; change < changes; change++) {
    await untilAllWait(socket, count);
    const isPosted = change % 2 === 1;
    const reached = crowd.reached(store.revision() + 1);
    const startedAt = performance.now();
    await (isPosted ? post(socket, change) : commit(store, change));
    (isPosted ? told.postedMs : told.committedMs).push((await reached) - startedAt);
    await setTimeout(restMs);
  }
  return told;
}

/** As an ADD does: by another process than the agent, which finds it when it looks. */
function commit(store: Store, change: number): void {
  store.put(draftOf({ id: `committed-${change}`, serviceName: 'watched', address: addressOf(change) }));
}

async function post(socket: string, change: number): Promise<void> {
  await postJson(socket, '/v1/services/watched', { Host: addressOf(change) });
}

/** The agent's own count. @throws Error where some do not come, or do not come back */
async function untilAllWait(socket: string, count: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const waiting = Number(/^fairlead_watchers (\d+)$/m.exec(await getText(socket, '/metrics'))?.[1]);
    if (waiting === count) return;
    if (performance.now() > deadline) throw new Error(`${waiting} of ${count} watchers wait`);
    await setTimeout(50);
  }
}
