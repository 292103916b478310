import { checkContainerSide } from '../attach/check.ts';
import { ownHostEnd, statedHostEnd } from '../attach/host-end.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { observeChains, observeLink, observeTable } from '../exec/observe.ts';
import { isWritten, masqueradeChain } from '../masquerade/masquerade.ts';
import { formatAddress, isSameAddress } from '../net/address.ts';
import { hostVethName, type IfName } from '../net/ifname.ts';
import { parseMac } from '../net/mac.ts';
import { bridgeTable, hasSpoofRules, missingElements } from '../spoofcheck/spoofcheck.ts';
import { type BridgeNetwork, gatewayLink, masqueradeOf } from './network.ts';
import type { BridgeParts } from './parts.ts';
import { spoofCheckOf } from './plan-add.ts';

/** @throws CniError code 999 naming the first thing that is not as ADD left it; code 7 without a prevResult */
export function check(call: AttachmentCall, { kind, machine, selectIpam }: BridgeParts): void {
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
  // What the reference has attached has its rules, not ours, until it is attached again.
  if (hostEnd === ownHostEnd(call)) checkFilters(network, call, { machine, prevResult });
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

type Evidence = { readonly machine: Machine; readonly prevResult: Result };

function checkFilters(network: BridgeNetwork, call: AttachmentCall, { machine, prevResult }: Evidence): void {
  const masquerade = masqueradeOf(
    network,
    prevResult.ips.map(({ address }) => address),
  );
  if (masquerade !== undefined) {
    const chain = masqueradeChain(masquerade);
    if (!isWritten(chain, observeChains(machine, [chain]))) {
      throw wrong(`nftables chain inet fairlead ${chain.chain} (masquerade) is missing or altered`);
    }
  }
  checkSpoofCheck(network, call, { machine, prevResult });
}

function checkSpoofCheck(
  network: BridgeNetwork,
  { attachment }: AttachmentCall,
  { machine, prevResult }: Evidence,
): void {
  const port = hostVethName(attachment.containerId, attachment.ifName);
  const mac = parseMac(
    prevResult.interfaces.find(({ name, sandbox }) => sandbox !== undefined && name === attachment.ifName)
      ?.mac ?? '',
  );
  if (mac === undefined) return;
  const expected = spoofCheckOf(
    network,
    port,
    mac,
    prevResult.ips.map(({ address }) => address.address),
  );
  if (expected === undefined) return;
  const listing = observeTable(machine, bridgeTable);
  if (!hasSpoofRules(listing))
    throw wrong('the rules of the spoof check (nftables table bridge fairlead) are missing or altered');
  const [missing] = missingElements(expected, listing);
  if (missing !== undefined) throw wrong(`the spoof check lacks ${missing} (nftables table bridge fairlead)`);
}

function wrong(what: string): CniError {
  return new CniError(ErrorCode.internal, `${what}; DEL and ADD the container again`);
}
