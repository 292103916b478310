import { sleep } from '../../lib/client/backoff.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import { hold, lockPath, type Presence } from '../../lib/registry/presence.ts';

/** Between two attempts, in milliseconds: what a plugin delivers itself takes seconds at most. */
const retryMs = 50;

/** The delivery to outside registries as this process's, until disposed. */
export type TakenPresence = AsyncDisposable & {
  /** Resolves when nobody else delivers any more. */
  readonly taken: Promise<void>;
  /** Why it is not taken yet; empty where it is, or where nothing is in the way. */
  readonly obstacle: () => string;
};

/**
 * Takes the delivery to outside registries upon this process: plugins then leave it to the agent. Deliveries that overlap
 * would be made good within a minute.
 */
export function takePresence(storePath: string, log: Log): TakenPresence {
  const ended = new AbortController();
  const held = new DisposableStack();
  let obstacle = '';
  const tell = (now: string) => {
    obstacle = now;
  };
  const taking = (async () => {
    // In this order: who delivers by itself looks for the agent first.
    for (const presence of ['agent', 'delivery'] as const)
      await take(presence, { storePath, log, held, tell, signal: ended.signal });
  })();
  return {
    taken: taking,
    obstacle: () => obstacle,
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
  /** Told what is in the way, and again when it is not any more. */
  readonly tell: (obstacle: string) => void;
  readonly signal: AbortSignal;
};

/** Never rejects: without it names are delivered all the same, only twice. */
async function take(presence: Presence, { storePath, log, held, tell, signal }: Taking): Promise<void> {
  let isTold = false;
  while (!signal.aborted) {
    try {
      const lock = hold(presence, storePath);
      if (lock !== undefined) {
        held.use(lock);
        tell('');
        return;
      }
      tell(obstacleOf[presence](lockPath(presence, storePath)));
      if (!isTold && presence === 'agent')
        log.warn('another agent delivers from this registry; waiting for its end');
    } catch (error) {
      const because = messageOf(error);
      tell(`nothing is delivered before this process is known as the one that does: ${because}`);
      if (!isTold) log.warn('plugins are not told that an agent delivers', { because });
    }
    isTold = true;
    await sleep(retryMs, signal);
  }
}

const obstacleOf: Readonly<Record<Presence, (lock: string) => string>> = {
  agent: (lock) =>
    `another agent delivers from this registry: a process holds ${lock}; nothing is delivered before it ends`,
  delivery: (lock) =>
    `a process delivers that a plugin or "fairlead mirrors deliver" has begun: it holds ${lock}, until it ends`,
};
