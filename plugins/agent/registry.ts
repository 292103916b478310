import type { Log } from '../../lib/log/log.ts';
import { restoreMissing } from '../../lib/registry/restore.ts';
import { identifyFile, isDamage, setAside } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';
import { sweepDead } from '../../lib/registry/sweep.ts';
import type { AgentConfig } from './config.ts';
import type { AgentParts } from './parts.ts';

/** How often a registry that is damaged is set aside in a row, before that is left to the next session. */
const mostAttempts = 3;

/**
 * Opens the registry; one that is damaged is set aside, with an error in the log, and a new one begun.
 * @throws StoreFailure
 */
export function openSound(path: string, { openStore }: AgentParts, log: Log): Store {
  for (let attempt = 1; ; attempt++) {
    const found = identifyFile(path);
    try {
      return openVerified(path, openStore);
    } catch (error) {
      if (!isDamage(error) || attempt === mostAttempts) throw error;
      // Somebody else may have set it aside meanwhile, and what is there now may be well.
      if (identifyFile(path) !== found) continue;
      const kept = setAside(path, new Date());
      const because = error.message;
      log.error('the registry is damaged; it is set aside and a new one begun', { because, kept });
    }
  }
}

function openVerified(path: string, openStore: AgentParts['openStore']): Store {
  const store = openStore(path);
  try {
    store.verify();
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/**
 * Makes the registry what the machine is: what is dead goes, what is missing returns.
 * @throws StoreFailure
 */
export function createReconciler(store: Store, config: AgentConfig, parts: AgentParts, log: Log): () => void {
  const restoring = {
    ...parts,
    openStore: (path: string) => (path === store.path ? store : parts.openStore(path)),
    store,
    resultsDir: config.resultsDir,
    examined: new Map<string, string>(),
  };
  return () => {
    for (const { attachment, because } of sweepDead(store, parts.machine, parts.nowUs())) {
      const { network, containerId: container, ifName: ifname } = attachment;
      log.info('withdrawn: its container is dead', { network, container, ifname, because });
    }
    for (const container of restoreMissing(restoring))
      log.info('registered again: it was missing', { container });
  };
}

/** Looks at the file as somebody would who opens it now; what is in memory may be well although the file is not. */
export function checkFile(path: string, { openStore }: AgentParts, depth: 'header' | 'pages'): void {
  const store = openStore(path);
  try {
    store.revision();
    if (depth === 'pages') store.checkPages();
  } finally {
    store.close();
  }
}
