import { checkContainerSide } from '../attach/check.ts';
import { checkAdditions } from '../attach/check-additions.ts';
import { ownHostEnd, statedHostEnd } from '../attach/host-end.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { wrong } from '../errors/wrong.ts';
import type { Machine } from '../exec/machine.ts';
import { observeLink } from '../exec/observe.ts';
import { formatAddress, isSameAddress } from '../net/address.ts';
import type { IfName } from '../net/ifname.ts';
import { type BridgeNetwork, gatewayLink } from './network.ts';
import type { BridgeParts } from './parts.ts';

/** @throws CniError code 999 naming the first thing that is not as ADD left it; code 7 without a prevResult */
export function check(call: AttachmentCall, parts: BridgeParts): void {
  const { kind, machine, selectIpam } = parts;
  const { network, ipamCall, uplink } = kind.open(call, machine);
  const prevResult = call.conf.prevResult();
  if (prevResult === undefined) call.conf.fields.missing('prevResult');
  requireContainerNetns(call.attachment, machine);
  selectIpam(ipamCall)?.check(ipamCall);
  const hostEnd = statedHostEnd(call, prevResult, network.bridge);
  checkHostSide(network, hostEnd, machine);
  checkGateways(network, prevResult, machine);
  uplink.check(machine);
  if (!network.disableContainerInterface) checkContainerSide(call.attachment, prevResult, machine);
  const isMasqueraded = network.ipMasq && prevResult.ips.length > 0;
  const hasFilters = isMasqueraded || network.macSpoofCheck || network.ipSpoofCheck;
  // What the reference has attached has its rules, not ours, until it is attached again.
  if (hostEnd === ownHostEnd(call)) checkAdditions(call, prevResult, hasFilters, parts);
}

function checkHostSide(network: BridgeNetwork, name: IfName, machine: Machine): void {
  const bridge = observeLink(machine, network.bridge);
  if (bridge?.kind !== 'bridge') throw wrong(`there is no bridge ${network.bridge}`);
  if (!bridge.isUp) throw wrong(`bridge ${network.bridge} is down`);
  const port = observeLink(machine, name);
  if (port === undefined) throw wrong(`there is no ${name}, the host end of the container's interface`);
  if (port.master !== network.bridge) throw wrong(`${name} is not a port of bridge ${network.bridge}`);
  if (!port.isUp) throw wrong(`${name} is down`);
  if (network.isolated && port.port?.isolated !== true)
    throw wrong(`${name} is not isolated, which portIsolation asks for`);
}

function checkGateways(network: BridgeNetwork, { ips }: Result, machine: Machine): void {
  if (!network.isGateway) return;
  const link = gatewayLink(network);
  const found = observeLink(machine, link)?.addresses ?? [];
  const lost = ips.find(
    ({ gateway }) => gateway !== undefined && !found.some(({ address }) => isSameAddress(address, gateway)),
  );
  if (lost?.gateway !== undefined)
    throw wrong(`${link} has lost the gateway address ${formatAddress(lost.gateway)}`);
}
