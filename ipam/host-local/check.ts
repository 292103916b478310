import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseStoreConfig } from './config.ts';
import { hasStore, toAddresses, withStore } from './store.ts';

/** @throws CniError code 999 where the attachment has no lease */
export function check({ conf, attachment }: AttachmentCall, machine: Machine): void {
  const config = parseStoreConfig(conf);
  const { containerId, ifName } = attachment;
  const record = hasStore(config)
    ? withStore({ config, machine, intent: 'release' }, (store) => store.find(attachment))
    : undefined;
  if (record !== undefined && toAddresses(record).length > 0) return;
  throw new CniError(
    ErrorCode.internal,
    `container ${containerId} interface ${ifName} has no lease in network ${config.network} (${config.dataDir})`,
  );
}
