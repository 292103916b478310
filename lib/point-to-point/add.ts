import { carryOut, type Prepared } from '../attach/carry-out.ts';
import { attachLeased, confirmOrUndo } from '../attach/leased.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import { parseRequestedMac } from '../attach/requested-mac.ts';
import { explainTakenInterface } from '../attach/taken-interface.ts';
import { additionsAt, openCapabilities } from '../capability/additions.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import type { IpAddress } from '../net/address.ts';
import { observe } from './observe.ts';
import type { PointToPointParts } from './parts.ts';
import { planAdd } from './plan-add.ts';
import { explainTakenRoute } from './route-holder.ts';

/**
 * Gives the container a link of its own to the host: parse, lease, observe, plan, apply. What fails takes back all
 * before it.
 * @throws CniError
 */
export function add(call: AttachmentCall, parts: PointToPointParts): Result {
  const { kind, machine, selectIpam } = parts;
  const { network, ipamCall, confirm } = kind.open(call, machine);
  const { attachment } = call;
  const mac = parseRequestedMac(call.conf, attachment);
  const wanted = openCapabilities(call, parts.capabilities);
  requireContainerNetns(attachment, machine);
  const ipam = selectIpam(ipamCall) ?? call.conf.fields.missing('ipam');
  return attachLeased(ipam, ipamCall, (leased) => {
    const prepared = planAdd(
      {
        wiring: kind.wiring,
        network,
        attachment,
        mac,
        leased,
        additionsAt: (at) => additionsAt(wanted, at, machine),
      },
      observe(machine),
    );
    const addresses = leased.ips.map(({ address }) => address.address);
    const undo = attach(prepared, call, addresses, parts);
    confirmOrUndo(() => confirm(addresses), undo);
    return prepared.result;
  });
}

/** @returns what undoes the plan */
function attach(
  prepared: Prepared,
  { attachment, conf }: AttachmentCall,
  addresses: readonly IpAddress[],
  parts: PointToPointParts,
): ReturnType<typeof carryOut> {
  try {
    return carryOut(prepared, { attachment, network: conf.name, plugin: parts.kind.name }, parts);
  } catch (error) {
    const explained = explainTakenInterface(error, attachment, parts.machine);
    throw explained === error ? explainTakenRoute(error, addresses, parts.machine) : explained;
  }
}
