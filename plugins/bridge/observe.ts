import { hostSeed } from '../../lib/attach/host-seed.ts';
import { observeBridge } from '../../lib/bridge/observe.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { type ChainName, observeChains, observeLink } from '../../lib/exec/observe.ts';
import { masqueradeChain } from '../../lib/masquerade/masquerade.ts';
import type { Cidr } from '../../lib/net/cidr.ts';
import { spoofCheckChain } from '../../lib/spoofcheck/spoofcheck.ts';
import { type BridgeConfig, vlanGatewayName } from './config.ts';
import { describeBridge, masqueradeOf, type Observed } from './plan.ts';

/**
 * Step 4 of an ADD: what is there now. No process for a bridge of this network's own, one `ip` for another one, one `nft`
 * for each chain that the network has. A forced address has to be compared with those that are there.
 */
export function observe(machine: Machine, config: BridgeConfig, addresses: readonly Cidr[]): Observed {
  const { vlans, bridge } = config;
  const gateway = vlans.untagged === undefined ? undefined : vlanGatewayName(bridge, vlans.untagged);
  const seed = hostSeed(machine);
  return {
    bridge: config.forceAddress
      ? observeLink(machine, bridge)
      : observeBridge(machine, describeBridge(config, seed)),
    vlanGateway: gateway === undefined ? undefined : observeLink(machine, gateway),
    nft: observeChains(machine, chainsOf(config, addresses)),
    forwards: forwardedFamilies(machine),
    hostSeed: seed,
  };
}

/** The chains of ours that the network's configuration asks for. */
function chainsOf(config: BridgeConfig, addresses: readonly Cidr[]): readonly ChainName[] {
  const masquerade = masqueradeOf(config, addresses);
  return [
    ...(masquerade === undefined ? [] : [masqueradeChain(masquerade)]),
    ...(config.macSpoofCheck || config.ipSpoofCheck ? [spoofCheckChain] : []),
  ];
}

function forwardedFamilies({ readProc }: Machine): readonly (4 | 6)[] {
  const forwards = (path: string) => readProc(`/proc/sys/net/${path}`) === '1';
  return [
    ...(forwards('ipv4/ip_forward') ? [4 as const] : []),
    ...(forwards('ipv6/conf/all/forwarding') ? [6 as const] : []),
  ];
}
