import { isContainerNetns, requireContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import { runAll, withLaterFailures } from '../errors/collect.ts';
import { applyPlan } from '../exec/apply.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import type { Step } from '../plan/operation.ts';
import type { Uplink } from './network.ts';
import { observe } from './observe-network.ts';
import type { BridgeParts } from './parts.ts';
import { type AddRequest, planAdd } from './plan-add.ts';
import { parseRequestedMac } from './requested-mac.ts';

const nothingLeased: Result = { interfaces: [], ips: [], routes: [], dns: {} };

/**
 * Attaches the container to the bridge: parse, lease, observe, plan, apply. What fails takes back all before it.
 * @throws CniError
 */
export function add(call: AttachmentCall, { kind, machine, selectIpam }: BridgeParts): Result {
  const { network, ipamCall, uplink } = kind.open(call, machine);
  const { attachment } = call;
  const mac = parseRequestedMac(call.conf, attachment);
  requireContainerNetns(attachment, machine);
  const ipam = selectIpam(ipamCall);
  const leased = ipam?.add(ipamCall) ?? nothingLeased;
  try {
    return attach({ network, attachment, mac, leased }, uplink, machine);
  } catch (error) {
    throw withLaterFailures(
      error,
      runAll([{ doing: 'releasing the lease', run: () => ipam?.del(ipamCall) }]),
    );
  }
}

/** How often an ADD begins again because the bridge has come or gone under it. */
const mostAttempts = 5;

function attach(request: AddRequest, uplink: Uplink, machine: Machine): Result {
  const { network, leased, attachment } = request;
  const addresses = leased.ips.map(({ address }) => address);
  const hasBridge = () => hasInterface(machine, network.bridge);
  for (let attempt = 1; ; attempt++) {
    const observed = observe(machine, network, { addresses, uplink });
    const { plan, result } = planAdd(request, observed);
    try {
      const undo = applyPlan(plan, { machine, netns: attachment.netns });
      confirmOrUndo(uplink, undo, machine);
      // The undo of a failing ADD may have taken a bridge away that it had made and this one has joined.
      if (hasBridge()) return result;
      undo();
      throw new CniError(ErrorCode.tryAgainLater, `bridge ${network.bridge} was removed meanwhile`);
    } catch (error) {
      const hadBridge = observed.bridge !== undefined;
      const isAnother = hasBridge() !== hadBridge || hasGrown(uplink, observed.uplink, machine);
      if (attempt < mostAttempts && isAnother) continue;
      throw explainFailure(error, request, machine);
    }
  }
}

function confirmOrUndo(uplink: Uplink, undo: ReturnType<typeof applyPlan>, machine: Machine): void {
  try {
    uplink.confirm(machine);
  } catch (error) {
    throw withLaterFailures(error, undo());
  }
}

/** Whether another ADD has made some of what this one saw missing, and was in its way. */
function hasGrown(uplink: Uplink, lacked: readonly Step[], machine: Machine): boolean {
  return lacked.length > 0 && uplink.plan(machine).length < lacked.length;
}

/** The kernel says "File exists" for an interface of that name in the container: say which, and what to do. */
function explainFailure(error: unknown, { attachment }: AddRequest, machine: Machine): unknown {
  const { netns, ifName, containerId } = attachment;
  if (!isContainerNetns(netns, machine)) return error;
  if (!machine.inNetns(netns, () => hasInterface(machine, ifName))) return error;
  const { message, details } = toCniError(error);
  return new CniError(
    ErrorCode.internal,
    `container ${containerId} has an interface ${ifName} already (in ${netns}); an ADD must follow a DEL`,
    { cause: error, details: details === undefined ? message : `${message}; ${details}` },
  );
}
