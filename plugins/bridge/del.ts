import { detach, isAttached } from '../../lib/attach/detach.ts';
import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import { failuresOf, throwCollected } from '../../lib/errors/collect.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { observeTable } from '../../lib/exec/observe.ts';
import { hostVethName } from '../../lib/net/ifname.ts';
import type { NftOperation } from '../../lib/nft/operation.ts';
import { bridgeTable, planRemoval } from '../../lib/spoofcheck/spoofcheck.ts';
import { type BridgeConfig, parseBridgeConfig } from './config.ts';

/**
 * Takes the attachment away: link and rules, then the lease. Needs no namespace, no CNI_ARGS and no previous result,
 * and succeeds where nothing is left. A lease is kept while its link cannot be removed: the address is still in use.
 * @throws CniError after having done all that could be done
 */
export function del(call: AttachmentCall, machine: Machine, selectIpam: SelectIpam): void {
  const { attachment } = call;
  const config = parseBridgeConfig(call.conf);
  const failures = detach(attachment, () => checkedElements(config, call, machine), machine);
  const mayRelease = failures.length === 0 || !isAttached(attachment, machine);
  throwCollected([...failures, ...(mayRelease ? failuresOf(() => selectIpam(call)?.del(call)) : [])]);
}

/**
 * The spoof check's elements of the attachment's port, where the network checks at all. They are looked up: which MAC and
 * addresses they name is not to be had without a previous result.
 */
function checkedElements(
  config: BridgeConfig,
  { attachment }: AttachmentCall,
  machine: Machine,
): readonly NftOperation[] {
  if (!config.macSpoofCheck && !config.ipSpoofCheck) return [];
  const own = hostVethName(attachment.containerId, attachment.ifName);
  return planRemoval(observeTable(machine, bridgeTable), (port) => port === own);
}
