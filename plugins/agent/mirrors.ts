import type { Log } from '../../lib/log/log.ts';
import type { MirrorConfig } from '../../lib/mirror/config.ts';
import type { MirrorStatus } from '../../lib/mirror/status.ts';
import type { Imports } from '../../lib/registry/imports.ts';
import type { Store } from '../../lib/registry/store.ts';
import { MirrorLink } from './mirror-link.ts';
import { takePresence } from './mirror-presence.ts';

export type MirrorsOptions = {
  readonly mirrors: readonly MirrorConfig[];
  /** Where the registry is. */
  readonly storePath: string;
  /** The id of this machine. */
  readonly node: string;
  readonly log: Log;
  /** Where imported instances are put. */
  readonly imports: Imports;
};

/** The outside registries of this machine while the agent runs; disposed, it leaves the entries until they expire. */
export type Mirrors = AsyncDisposable & {
  /** Whether services of any of them are brought here. */
  readonly isImporting: boolean;
  /** Resolves when what is imported is known, or a registry does not answer within a second. */
  readonly settled: Promise<unknown>;
  /**
   * Delivers what this store has, until disposed; one store at a time.
   * @param onDamage called when the store turns out to be damaged
   */
  readonly deliverFrom: (store: Store, onDamage: (error: Error) => void) => AsyncDisposable;
  readonly status: () => readonly MirrorStatus[];
};

/** Opens every registry, each by itself: what keeps one from answering is nothing to the others. */
export function startMirrors({ mirrors, storePath, node, log, imports }: MirrorsOptions): Mirrors {
  const stack = new AsyncDisposableStack();
  const links = mirrors.map((config) => stack.use(new MirrorLink({ config, node, log, imports })));
  const presence = stack.use(takePresence(storePath, log));
  return {
    isImporting: mirrors.some((each) => each.imports !== undefined),
    settled: Promise.all(links.map(({ settled }) => settled)),
    deliverFrom: (store, onDamage) => {
      const deliveries = new AsyncDisposableStack();
      const written = links.filter(({ isWritten }) => isWritten);
      for (const link of written) deliveries.use(link.deliverFrom(store, onDamage, presence.taken));
      return deliveries;
    },
    status: () => links.map((link) => withObstacle(link.status(), presence.obstacle())),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What has not begun says what it waits for. */
function withObstacle(status: MirrorStatus, obstacle: string): MirrorStatus {
  return status.state === 'beginning' && status.lastError === ''
    ? { ...status, lastError: obstacle }
    : status;
}
