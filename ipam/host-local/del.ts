import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseCooldownMs, parseStoreConfig } from './config.ts';
import { hasStore, withStore } from './store.ts';

/**
 * Releases what the attachment has. Succeeds where it has nothing, and does not look at the ranges: what was
 * leased under an older configuration goes, too.
 * @throws CniError code 5 when the data directory cannot be written
 */
export function del({ conf, attachment }: AttachmentCall, machine: Machine): void {
  const config = parseStoreConfig(conf);
  if (!hasStore(config)) return;
  withStore({ config, machine, intent: 'release' }, (store) => {
    const record = store.find(attachment);
    if (record !== undefined) store.release(record, parseCooldownMs(conf));
  });
}
