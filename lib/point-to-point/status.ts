import { openReady, requireTools } from '../attach/ready.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { PointToPointParts } from './parts.ts';

/** @throws CniError code 50 where an ADD could not succeed: a tool is missing, or there is nothing to lease from */
export function status(call: NetworkCall, { kind, machine, selectIpam }: PointToPointParts): void {
  const { network, ipamCall } = openReady(() => kind.open(call, machine));
  requireTools(network.ipMasq || network.checksSource ? ['ip', 'nft'] : ['ip'], machine);
  const ipam = selectIpam(ipamCall) ?? call.conf.fields.missing('ipam');
  ipam.status(ipamCall);
}
