import { isContainerNetns, requireContainerNetns } from '../../lib/attach/netns.ts';
import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import type { Result } from '../../lib/cni/result.ts';
import { CniError, ErrorCode, toCniError } from '../../lib/errors/cni-error.ts';
import { runAll, withLaterFailures } from '../../lib/errors/collect.ts';
import { applyPlan } from '../../lib/exec/apply.ts';
import { hasInterface, type Machine } from '../../lib/exec/machine.ts';
import { parseBridgeConfig, parseRequestedMac } from './config.ts';
import { observe } from './observe.ts';
import { type AddRequest, planAdd } from './plan.ts';

const nothingLeased: Result = { interfaces: [], ips: [], routes: [], dns: {} };

/**
 * Attaches the container to the bridge: parse, lease, observe, plan, apply. What fails takes back all before it.
 * @throws CniError
 */
export function add(call: AttachmentCall, machine: Machine, selectIpam: SelectIpam): Result {
  const config = parseBridgeConfig(call.conf);
  const mac = parseRequestedMac(call.conf, call.attachment);
  requireContainerNetns(call.attachment, machine);
  const ipam = selectIpam(call);
  const leased = ipam?.add(call) ?? nothingLeased;
  try {
    return attach({ config, attachment: call.attachment, mac, leased }, machine);
  } catch (error) {
    throw withLaterFailures(error, runAll([{ doing: 'releasing the lease', run: () => ipam?.del(call) }]));
  }
}

/** How often an ADD begins again because the bridge has come or gone under it. */
const mostAttempts = 5;

function attach(request: AddRequest, machine: Machine): Result {
  const { config, leased, attachment } = request;
  const addresses = leased.ips.map(({ address }) => address);
  const hasBridge = () => hasInterface(machine, config.bridge);
  for (let attempt = 1; ; attempt++) {
    const observed = observe(machine, config, addresses);
    const { plan, result } = planAdd(request, observed);
    try {
      const undo = applyPlan(plan, { machine, netns: attachment.netns });
      // The undo of a failing ADD may have taken a bridge away that it had made and this one has joined.
      if (hasBridge()) return result;
      undo();
      throw new CniError(ErrorCode.tryAgainLater, `bridge ${config.bridge} was removed meanwhile`);
    } catch (error) {
      const hadBridge = observed.bridge !== undefined;
      if (attempt < mostAttempts && hasBridge() !== hadBridge) continue;
      throw explainFailure(error, request, machine);
    }
  }
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
