import { attachLeased, confirmOrUndo } from '../attach/leased.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import { parseRequestedMac } from '../attach/requested-mac.ts';
import { explainTakenInterface } from '../attach/taken-interface.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { Result } from '../cni/result.ts';
import { applyPlan } from '../exec/apply.ts';
import type { Machine } from '../exec/machine.ts';
import type { IpAddress } from '../net/address.ts';
import type { Plan } from '../plan/operation.ts';
import { observe } from './observe.ts';
import type { PointToPointParts } from './parts.ts';
import { planAdd } from './plan-add.ts';
import { explainTakenRoute } from './route-holder.ts';

/**
 * Gives the container a link of its own to the host: parse, lease, observe, plan, apply. What fails takes back all
 * before it.
 * @throws CniError
 */
export function add(call: AttachmentCall, { kind, machine, selectIpam }: PointToPointParts): Result {
  const { network, ipamCall, confirm } = kind.open(call, machine);
  const { attachment } = call;
  const mac = parseRequestedMac(call.conf, attachment);
  requireContainerNetns(attachment, machine);
  const ipam = selectIpam(ipamCall) ?? call.conf.fields.missing('ipam');
  return attachLeased(ipam, ipamCall, (leased) => {
    const { plan, result } = planAdd(
      { wiring: kind.wiring, network, attachment, mac, leased },
      observe(machine, network),
    );
    const addresses = leased.ips.map(({ address }) => address.address);
    const undo = carryOut(plan, { attachment, addresses, machine });
    confirmOrUndo(() => confirm(addresses), undo);
    return result;
  });
}

/** What an ADD failed for, to be explained. */
type Attempt = {
  readonly attachment: Attachment;
  readonly addresses: readonly IpAddress[];
  readonly machine: Machine;
};

/** @returns what undoes the plan */
function carryOut(plan: Plan, { attachment, addresses, machine }: Attempt): ReturnType<typeof applyPlan> {
  try {
    return applyPlan(plan, { machine, netns: attachment.netns });
  } catch (error) {
    const explained = explainTakenInterface(error, attachment, machine);
    throw explained === error ? explainTakenRoute(error, addresses, machine) : explained;
  }
}
