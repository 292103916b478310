import type { Log } from '../../lib/log/log.ts';
import { restoreMissing } from '../../lib/registry/restore.ts';
import { isDamage, setAside } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';
import { sweepDead } from '../../lib/registry/sweep.ts';
import type { AgentConfig } from './config.ts';
import type { AgentParts } from './parts.ts';

/**
 * Opens the registry; one that is damaged is set aside, with an error in the log, and a new one begun.
 * @throws StoreFailure for anything but damage
 */
export function openSound(path: string, { openStore }: AgentParts, log: Log): Store {
  try {
    return openVerified(path, openStore);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const kept = setAside(path, new Date());
    log.error('the registry is damaged; it is set aside and a new one begun', {
      because: error.message,
      kept,
    });
    return openVerified(path, openStore);
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

/** Makes the registry what the machine is: what is dead goes, what is missing returns. */
export function reconcile(store: Store, config: AgentConfig, parts: AgentParts, log: Log): void {
  for (const { attachment, because } of sweepDead(store, parts.machine, parts.nowUs())) {
    const { network, containerId: container, ifName: ifname } = attachment;
    log.info('withdrawn: its container is dead', { network, container, ifname, because });
  }
  const restored = restoreMissing({
    ...parts,
    openStore: (path) => (path === store.path ? store : parts.openStore(path)),
    store,
    resultsDir: config.resultsDir,
  });
  for (const container of restored) log.info('registered again: it was missing', { container });
}
