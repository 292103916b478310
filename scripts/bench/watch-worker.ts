import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import { type WatchKind, type Watching, watchRegistry } from './watching.ts';
import { type Watched, type WatchRequest, watchers } from './watchers.ts';

// A process with a thousand watchers, which also makes the changes: all times are of one clock.

/** Between two changes: every watcher waits again, and the API's limit of requests is not reached. */
const restMs = 400;

/** Far over the slowest. */
const timeoutMs = 20_000;

process.on('message', async (asked: WatchRequest) => {
  process.send?.(await measure(asked));
});
process.on('disconnect', () => process.exit());
