import { openReady, requireTools } from '../attach/ready.ts';
import { openCapabilities, toolsOf } from '../capability/additions.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { PointToPointParts } from './parts.ts';

/** @throws CniError code 50 where an ADD could not succeed: a tool is missing, or there is nothing to lease from */
export function status(
  call: NetworkCall,
  { kind, machine, selectIpam, capabilities }: PointToPointParts,
): void {
  const { network, ipamCall } = openReady(() => kind.open(call, machine));
  const hasRules = network.ipMasq || network.checksSource;
  requireTools(
    ['ip', ...(hasRules ? (['nft'] as const) : []), ...toolsOf(openCapabilities(call, capabilities))],
    machine,
  );
  const ipam = selectIpam(ipamCall) ?? call.conf.fields.missing('ipam');
  ipam.status(ipamCall);
}
