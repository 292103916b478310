import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import type { AttachmentId } from '../../lib/cni/invocation.ts';
import { parseValidAttachments } from '../../lib/cni/netconf.ts';
import { runAll, throwCollected } from '../../lib/errors/collect.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseStoreConfig } from './config.ts';
import type { LeaseRecord } from './lease-index.ts';
import { hasStore, type LeaseStore, withStore } from './store.ts';

/**
 * Releases every lease of the network whose attachment is not among the valid ones; where the runtime does not say
 * which are, those that are proven dead. Goes on over failures and reports them together.
 */
export function gc({ conf }: NetworkCall, machine: Machine): void {
  const config = parseStoreConfig(conf);
  const valid = parseValidAttachments(conf);
  if (!hasStore(config)) return;
  withStore({ config, machine, intent: 'release' }, (store) => {
    if (valid === undefined) store.reclaim();
    else releaseStale(store, valid);
  });
}

function releaseStale(store: LeaseStore, valid: readonly AttachmentId[]): void {
  const steps = store
    .list()
    .filter((record) => !valid.some((kept) => isLeaseOf(record, kept)))
    .map((record) => ({
      doing: `releasing ${record.addresses.join(', ')} of ${record.containerId}`,
      run: () => store.release(record, 0),
    }));
  throwCollected(runAll(steps));
}

/** A legacy lease, which names no interface, is any interface's of its container. */
function isLeaseOf({ containerId, ifName }: LeaseRecord, attachment: AttachmentId): boolean {
  return attachment.containerId === containerId && (ifName === '' || attachment.ifName === ifName);
}
