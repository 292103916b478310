import { forwardedFamilies } from '../attach/forwarding.ts';
import { hostSeed } from '../attach/host-seed.ts';
import type { Wanted } from '../capability/capability.ts';
import type { Machine } from '../exec/machine.ts';
import { observeLink, observeRules } from '../exec/observe.ts';
import type { NftTable } from '../nft/operation.ts';
import { bridgeTable, inetTable } from '../rules/tables.ts';
import { type BridgeNetwork, describeBridge, type Uplink, vlanGatewayName } from './network.ts';
import { observeBridge } from './observe-bridge.ts';
import type { Observed } from './plan-add.ts';

/**
 * Step 4 of an ADD: what is there now. No process for a bridge of this network's own, one `ip` for another one, one `nft`
 * for each table that the network has rules in. A forced address has to be compared with those that are there.
 */
export function observe(
  machine: Machine,
  network: BridgeNetwork,
  { uplink, wanted }: { readonly uplink: Uplink; readonly wanted: readonly Wanted[] },
): Observed {
  const { vlans, bridge } = network;
  const gateway = vlans.untagged === undefined ? undefined : vlanGatewayName(bridge, vlans.untagged);
  const seed = hostSeed(machine);
  return {
    bridge: network.forceAddress
      ? observeLink(machine, bridge)
      : observeBridge(machine, describeBridge(network, seed)),
    vlanGateway: gateway === undefined ? undefined : observeLink(machine, gateway),
    nft: observeRules(machine, tablesOf(network, wanted)),
    forwards: forwardedFamilies(machine),
    uplink: uplink.plan(machine),
    hostSeed: seed,
  };
}

/** The tables of ours that the network's configuration asks for. */
function tablesOf(
  { ipMasq, macSpoofCheck, ipSpoofCheck }: BridgeNetwork,
  wanted: readonly Wanted[],
): readonly NftTable[] {
  const isRouted = ipMasq || wanted.some(({ tools }) => tools.includes('nft'));
  return [...(isRouted ? [inetTable] : []), ...(macSpoofCheck || ipSpoofCheck ? [bridgeTable] : [])];
}
