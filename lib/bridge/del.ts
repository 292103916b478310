import { detach, isAttached } from '../attach/detach.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { failuresOf, throwCollected } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import { observeTable } from '../exec/observe.ts';
import { hostVethName } from '../net/ifname.ts';
import type { NftOperation } from '../nft/operation.ts';
import { bridgeTable, planRemoval } from '../spoofcheck/spoofcheck.ts';
import type { BridgeRemoval } from './network.ts';
import type { BridgeParts } from './parts.ts';

/**
 * Takes the attachment away: link and rules, then the lease. Needs no namespace, no CNI_ARGS and no previous result,
 * and succeeds where nothing is left. A lease is kept while its link cannot be removed: the address is still in use.
 * @throws CniError after having done all that could be done
 */
export function del(call: AttachmentCall, { kind, machine, selectIpam }: BridgeParts): void {
  const { attachment } = call;
  const { network, ipamCall } = kind.openRemoval(call);
  const failures = detach(attachment, () => checkedElements(network, call, machine), machine);
  const mayRelease = failures.length === 0 || !isAttached(attachment, machine);
  throwCollected([...failures, ...(mayRelease ? failuresOf(() => selectIpam(ipamCall)?.del(ipamCall)) : [])]);
}

/**
 * The spoof check's elements of the attachment's port, where the network checks at all. They are looked up: which MAC and
 * addresses they name is not to be had without a previous result.
 */
function checkedElements(
  network: BridgeRemoval,
  { attachment }: AttachmentCall,
  machine: Machine,
): readonly NftOperation[] {
  if (!network.macSpoofCheck && !network.ipSpoofCheck) return [];
  const own = hostVethName(attachment.containerId, attachment.ifName);
  return planRemoval(observeTable(machine, bridgeTable), (port) => port === own);
}
