import { checkContainerSide } from '../../lib/attach/check.ts';
import { requireContainerNetns } from '../../lib/attach/netns.ts';
import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import type { Result } from '../../lib/cni/result.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { observeChains, observeLink, observeTable } from '../../lib/exec/observe.ts';
import { isWritten, masqueradeChain } from '../../lib/masquerade/masquerade.ts';
import { formatAddress, isSameAddress } from '../../lib/net/address.ts';
import { hostVethName, type IfName, parseIfName } from '../../lib/net/ifname.ts';
import { parseMac } from '../../lib/net/mac.ts';
import { bridgeTable, hasSpoofRules, missingElements } from '../../lib/spoofcheck/spoofcheck.ts';
import { type BridgeConfig, parseBridgeConfig } from './config.ts';
import { gatewayLink, masqueradeOf, spoofCheckOf } from './plan.ts';

/** @throws CniError code 999 naming the first thing that is not as ADD left it; code 7 without a prevResult */
export function check(call: AttachmentCall, machine: Machine, selectIpam: SelectIpam): void {
  const config = parseBridgeConfig(call.conf);
  const prevResult = call.conf.prevResult();
  if (prevResult === undefined) call.conf.fields.missing('prevResult');
  requireContainerNetns(call.attachment, machine);
  selectIpam(call)?.check(call);
  const hostEnd = hostEndOf(config, call, prevResult);
  checkHostSide(config, hostEnd, machine);
  checkGateways(config, prevResult, machine);
  if (!config.disableContainerInterface) checkContainerSide(call.attachment, prevResult, machine);
  // What the reference has attached has its rules, not ours, until it is attached again.
  if (hostEnd === ownHostEnd(call)) checkFilters(config, call, { machine, prevResult });
}

function ownHostEnd({ attachment }: AttachmentCall): IfName {
  return hostVethName(attachment.containerId, attachment.ifName);
}

/** The host end as the previous result names it: that of an attachment of the reference has a name drawn at random. */
function hostEndOf({ bridge }: BridgeConfig, call: AttachmentCall, { interfaces }: Result): IfName {
  const ends = interfaces.filter(
    ({ name, sandbox }) => (sandbox ?? '') === '' && name !== bridge && name.startsWith('veth'),
  );
  const own = ownHostEnd(call);
  return ends.length === 0 || ends.some(({ name }) => name === own)
    ? own
    : (parseIfName(ends[0]?.name ?? '') ?? own);
}

function checkHostSide(config: BridgeConfig, name: IfName, machine: Machine): void {
  const bridge = observeLink(machine, config.bridge);
  if (bridge?.kind !== 'bridge') throw wrong(`there is no bridge ${config.bridge}`);
  if (!bridge.isUp) throw wrong(`bridge ${config.bridge} is down`);
  const port = observeLink(machine, name);
  if (port === undefined) throw wrong(`there is no ${name}, the host end of the container's interface`);
  if (port.master !== config.bridge) throw wrong(`${name} is not a port of bridge ${config.bridge}`);
  if (!port.isUp) throw wrong(`${name} is down`);
  if (config.isolated && port.port?.isolated !== true)
    throw wrong(`${name} is not isolated, which portIsolation asks for`);
}

function checkGateways(config: BridgeConfig, { ips }: Result, machine: Machine): void {
  if (!config.isGateway) return;
  const link = gatewayLink(config);
  const found = observeLink(machine, link)?.addresses ?? [];
  const lost = ips.find(
    ({ gateway }) => gateway !== undefined && !found.some(({ address }) => isSameAddress(address, gateway)),
  );
  if (lost?.gateway !== undefined)
    throw wrong(`${link} has lost the gateway address ${formatAddress(lost.gateway)}`);
}

type Evidence = { readonly machine: Machine; readonly prevResult: Result };

function checkFilters(config: BridgeConfig, call: AttachmentCall, { machine, prevResult }: Evidence): void {
  const masquerade = masqueradeOf(
    config,
    prevResult.ips.map(({ address }) => address),
  );
  if (masquerade !== undefined) {
    const chain = masqueradeChain(masquerade);
    if (!isWritten(chain, observeChains(machine, [chain]))) {
      throw wrong(`nftables chain inet fairlead ${chain.chain} (masquerade) is missing or altered`);
    }
  }
  checkSpoofCheck(config, call, { machine, prevResult });
}

function checkSpoofCheck(
  config: BridgeConfig,
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
    config,
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
