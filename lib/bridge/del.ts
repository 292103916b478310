import { release } from '../attach/release.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Machine } from '../exec/machine.ts';
import { observeTable } from '../exec/observe.ts';
import { hostVethName } from '../net/ifname.ts';
import type { NftOperation } from '../nft/operation.ts';
import { bridgeTable, planRemoval } from '../spoofcheck/spoofcheck.ts';
import type { BridgeRemoval } from './network.ts';
import type { BridgeParts } from './parts.ts';

/**
 * Takes the attachment off the bridge, with what the spoof check has of it.
 * @throws CniError after having done all that could be done
 */
export function del(call: AttachmentCall, { kind, machine, selectIpam }: BridgeParts): void {
  const { network, ipamCall } = kind.openRemoval(call);
  const findElements = () => checkedElements(network, call, machine);
  release({ ipam: () => selectIpam(ipamCall), ipamCall, findElements }, machine);
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
