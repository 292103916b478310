import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import { parseValidAttachments } from '../../lib/cni/netconf.ts';
import { runAll, throwCollected } from '../../lib/errors/collect.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseStoreConfig } from './config.ts';
import { hasStore, withStore } from './store.ts';

/**
 * Releases every lease of the network whose attachment is not among the valid ones. A legacy lease, which names
 * no interface, is valid with any interface of its container. Goes on over failures and reports them together.
 */
export function gc({ conf }: NetworkCall, machine: Machine): void {
  const config = parseStoreConfig(conf);
  const valid = parseValidAttachments(conf);
  if (!hasStore(config)) return;
  withStore({ config, machine, intent: 'release' }, (store) => {
    const stale = store
      .list()
      .filter(
        ({ containerId, ifName }) =>
          !valid.some(
            (kept) => kept.containerId === containerId && (ifName === '' || kept.ifName === ifName),
          ),
      );
    throwCollected(
      runAll(
        stale.map((record) => ({
          doing: `releasing ${record.addresses.join(', ')} of ${record.containerId}`,
          run: () => store.release(record, 0),
        })),
      ),
    );
  });
}
