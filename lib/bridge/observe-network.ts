import { forwardedFamilies } from '../attach/forwarding.ts';
import { hostSeed } from '../attach/host-seed.ts';
import type { Machine } from '../exec/machine.ts';
import { observeLink } from '../exec/observe.ts';
import { type BridgeNetwork, describeBridge, type Uplink, vlanGatewayName } from './network.ts';
import { observeBridge } from './observe-bridge.ts';
import type { Observed } from './plan-add.ts';

/**
 * Step 4 of an ADD: what is there now. No process for a bridge of this network's own, one `ip` for another one. A forced address has to be compared with those that are there.
 */
export function observe(machine: Machine, network: BridgeNetwork, uplink: Uplink): Observed {
  const { vlans, bridge } = network;
  const gateway = vlans.untagged === undefined ? undefined : vlanGatewayName(bridge, vlans.untagged);
  const seed = hostSeed(machine);
  return {
    bridge: network.forceAddress
      ? observeLink(machine, bridge)
      : observeBridge(machine, describeBridge(network, seed)),
    vlanGateway: gateway === undefined ? undefined : observeLink(machine, gateway),
    forwards: forwardedFamilies(machine),
    uplink: uplink.plan(machine),
    hostSeed: seed,
  };
}
