import { openReady, requireTools } from '../attach/ready.ts';
import { openCapabilities, toolsOf } from '../capability/additions.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { BridgeParts } from './parts.ts';

/** @throws CniError code 50 where an ADD could not succeed: a tool is missing, or IPAM is not ready */
export function status(call: NetworkCall, { kind, machine, selectIpam, capabilities }: BridgeParts): void {
  const { network, ipamCall } = openReady(() => kind.open(call, machine));
  const hasRules = network.ipMasq || network.macSpoofCheck || network.ipSpoofCheck;
  requireTools(
    ['ip', ...(hasRules ? (['nft'] as const) : []), ...toolsOf(openCapabilities(call, capabilities))],
    machine,
  );
  selectIpam(ipamCall)?.status(ipamCall);
}
