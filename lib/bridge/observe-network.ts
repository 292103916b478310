import { forwardedFamilies } from '../attach/forwarding.ts';
import { hostSeed } from '../attach/host-seed.ts';
import type { Machine } from '../exec/machine.ts';
import { type ChainName, observeChains, observeLink } from '../exec/observe.ts';
import { masqueradeChain } from '../masquerade/masquerade.ts';
import type { Cidr } from '../net/cidr.ts';
import { spoofCheckChain } from '../spoofcheck/spoofcheck.ts';
import { type BridgeNetwork, describeBridge, masqueradeOf, type Uplink, vlanGatewayName } from './network.ts';
import { observeBridge } from './observe-bridge.ts';
import type { Observed } from './plan-add.ts';

/**
 * Step 4 of an ADD: what is there now. No process for a bridge of this network's own, one `ip` for another one, one `nft`
 * for each chain that the network has. A forced address has to be compared with those that are there.
 */
export function observe(
  machine: Machine,
  network: BridgeNetwork,
  { addresses, uplink }: { readonly addresses: readonly Cidr[]; readonly uplink: Uplink },
): Observed {
  const { vlans, bridge } = network;
  const gateway = vlans.untagged === undefined ? undefined : vlanGatewayName(bridge, vlans.untagged);
  const seed = hostSeed(machine);
  return {
    bridge: network.forceAddress
      ? observeLink(machine, bridge)
      : observeBridge(machine, describeBridge(network, seed)),
    vlanGateway: gateway === undefined ? undefined : observeLink(machine, gateway),
    nft: observeChains(machine, chainsOf(network, addresses)),
    forwards: forwardedFamilies(machine),
    uplink: uplink.plan(machine),
    hostSeed: seed,
  };
}

/** The chains of ours that the network's configuration asks for. */
function chainsOf(network: BridgeNetwork, addresses: readonly Cidr[]): readonly ChainName[] {
  const masquerade = masqueradeOf(network, addresses);
  return [
    ...(masquerade === undefined ? [] : [masqueradeChain(masquerade)]),
    ...(network.macSpoofCheck || network.ipSpoofCheck ? [spoofCheckChain] : []),
  ];
}
