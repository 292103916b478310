import { setImmediate } from 'node:timers/promises';
import { errno } from '../exec/errno.ts';
import type { Calls } from './calls.ts';
import { type Serving, serveConnection } from './serve.ts';

/** What a worker is given. */
export type WorkerParts = Omit<Serving, 'calls'> & {
  readonly calls: Calls;
  /** The socket on which callers wait, which all workers share. */
  readonly listening: number;
  /** The process that has started this one. */
  readonly agent: number;
  readonly parent: () => number;
};

/** SIGHUP, SIGINT and SIGTERM, which a service manager or a terminal sends to all processes of a service. */
const endingSignals = [1, 2, 15];
/** How long an idle worker stays away from its event loop, and may take to see that its agent has gone. */
const idleMs = 200;

/** Nobody has come in time; something was to be done in between; who came has gone again (ECONNABORTED). */
const passing: readonly number[] = [errno.tryAgain, errno.interrupted, 103];

/**
 * Serves calls one after the other, until the agent ends the socket or has gone. A call is synchronous; between two, the
 * event loop has its turn, where children that nobody waits for are reaped. The call in hand is always finished: only a
 * SIGKILL cuts it off.
 */
export async function runWorker({ listening, agent, parent, ...serving }: WorkerParts): Promise<void> {
  const { calls } = serving;
  for (const signal of endingSignals) calls.ignoreSignal(signal);
  calls.limitWaiting(listening, idleMs);
  while (parent() === agent) {
    const connection = calls.accept(listening);
    if (connection >= 0) serveConnection(connection, serving);
    else if (-connection === errno.invalid) return;
    else if (!passing.includes(-connection)) throw new Error(`no caller can be taken: error ${-connection}`);
    await setImmediate();
  }
}
