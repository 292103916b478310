import { sleep } from '../../client/backoff.ts';
import type { Got } from './consul-client.ts';

/** How long Consul is to wait for a change; it adds a sixteenth at random. */
const waitMs = 55_000;

/** How long such a call may take beyond what any other may, in milliseconds. */
export const longestWaitMs = waitMs + waitMs / 16;

/** Between two questions, whatever is answered: a service that changes all the time is told of this often. */
const shortestRoundMs = 100;

/**
 * What is there, and again after each change, by Consul's blocking queries, until the signal.
 * @param ask given `index=…&wait=…`
 * @throws what `ask` throws
 */
export async function* watchIndex<T>(
  ask: (query: string, signal: AbortSignal) => Promise<Got<T>>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let index = 0;
  let told: string | undefined;
  while (!signal.aborted) {
    const askedAt = performance.now();
    const got = await untilAborted(ask(`index=${index}&wait=${waitMs}ms`, signal), signal);
    if (got === undefined) return;
    index = nextIndex(got.index, index);
    const text = JSON.stringify(got.value);
    if (text !== told) yield got.value;
    told = text;
    await sleep(Math.max(0, askedAt + shortestRoundMs - performance.now()), signal);
  }
}

/** An index that has gone back, or that there is none, makes the next question one that is answered at once. */
function nextIndex(index: number, last: number): number {
  return Number.isSafeInteger(index) && index >= Math.max(1, last) ? index : 0;
}

async function untilAborted<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
