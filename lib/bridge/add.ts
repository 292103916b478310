import { carryOut } from '../attach/carry-out.ts';
import { attachLeased, confirmOrUndo } from '../attach/leased.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import { parseRequestedMac } from '../attach/requested-mac.ts';
import { explainTakenInterface } from '../attach/taken-interface.ts';
import { additionsAt, openCapabilities } from '../capability/additions.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import type { Step } from '../plan/operation.ts';
import type { Uplink } from './network.ts';
import { observe } from './observe-network.ts';
import type { BridgeParts } from './parts.ts';
import { type AddRequest, planAdd } from './plan-add.ts';

/**
 * Attaches the container to the bridge: parse, lease, observe, plan, apply. What fails takes back all before it.
 * @throws CniError
 */
export function add(call: AttachmentCall, parts: BridgeParts): Result {
  const { kind, machine, selectIpam } = parts;
  const { network, ipamCall, uplink } = kind.open(call, machine);
  const { attachment } = call;
  const wanted = openCapabilities(call, parts.capabilities);
  const mac = parseRequestedMac(call.conf, attachment);
  requireContainerNetns(attachment, machine);
  return attachLeased(selectIpam(ipamCall), ipamCall, (leased) =>
    attach(
      { network, attachment, mac, leased, additionsAt: (at) => additionsAt(wanted, at, machine) },
      uplink,
      parts,
    ),
  );
}

/** How often an ADD begins again because the bridge has come or gone under it. */
const mostAttempts = 5;

function attach(request: AddRequest, uplink: Uplink, parts: BridgeParts): Result {
  const { network, attachment } = request;
  const { machine, kind } = parts;
  const hasBridge = () => hasInterface(machine, network.bridge);
  for (let attempt = 1; ; attempt++) {
    const observed = observe(machine, network, uplink);
    const prepared = planAdd(request, observed);
    try {
      const undo = carryOut(prepared, { attachment, network: network.network, plugin: kind.name }, parts);
      confirmOrUndo(() => uplink.confirm(machine), undo);
      // The undo of a failing ADD may have taken a bridge away that it had made and this one has joined.
      if (hasBridge()) return prepared.result;
      undo();
      throw new CniError(ErrorCode.tryAgainLater, `bridge ${network.bridge} was removed meanwhile`);
    } catch (error) {
      const hadBridge = observed.bridge !== undefined;
      const isAnother = hasBridge() !== hadBridge || hasGrown(uplink, observed.uplink, machine);
      if (attempt < mostAttempts && isAnother) continue;
      throw explainTakenInterface(error, attachment, machine);
    }
  }
}

/** Whether another ADD has made some of what this one saw missing, and was in its way. */
function hasGrown(uplink: Uplink, lacked: readonly Step[], machine: Machine): boolean {
  return lacked.length > 0 && uplink.plan(machine).length < lacked.length;
}
