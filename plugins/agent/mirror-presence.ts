import { sleep } from '../../lib/client/backoff.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import { hold, type Presence } from '../../lib/registry/presence.ts';

/** Between two attempts, in milliseconds: what a plugin delivers itself takes seconds at most. */
const retryMs = 50;

/**
 * Takes the delivery to outside registries upon this process until disposed: plugins then leave it to the agent.
 * `taken` resolves when nobody else delivers any more; deliveries that overlap would be made good within a minute.
 */
export function takePresence(
  storePath: string,
  log: Log,
): AsyncDisposable & { readonly taken: Promise<void> } {
  const ended = new AbortController();
  const held = new DisposableStack();
  const taking = (async () => {
    // In this order: who delivers by itself looks for the agent first.
    for (const presence of ['agent', 'delivery'] as const)
      await take(presence, { storePath, log, held, signal: ended.signal });
  })();
  return {
    taken: taking,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await taking;
      held.dispose();
    },
  };
}

type Taking = {
  readonly storePath: string;
  readonly log: Log;
  readonly held: DisposableStack;
  readonly signal: AbortSignal;
};

/** Never rejects: without it names are delivered all the same, only twice. */
async function take(presence: Presence, { storePath, log, held, signal }: Taking): Promise<void> {
  let isTold = false;
  while (!signal.aborted) {
    try {
      const lock = hold(presence, storePath);
      if (lock !== undefined) {
        held.use(lock);
        return;
      }
      if (!isTold && presence === 'agent')
        log.warn('another agent delivers from this registry; waiting for its end');
    } catch (error) {
      if (!isTold) log.warn('plugins are not told that an agent delivers', { because: messageOf(error) });
    }
    isTold = true;
    await sleep(retryMs, signal);
  }
}
