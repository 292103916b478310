import type { NetworkCall } from '../cni/dispatch.ts';
import { unexpected } from '../cni/fields.ts';
import type { ResultDns } from '../cni/result.ts';
import type { Machine } from '../exec/machine.ts';
import type { Masquerade } from '../masquerade/masquerade.ts';
import type { Cidr } from '../net/cidr.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';
import { deriveMac } from '../net/mac.ts';
import type { Step } from '../plan/operation.ts';
import { type BridgeWish, networkAlias, type PortVlans } from './plan-bridge.ts';

/** A network whose containers are ports of one bridge, as a plugin's configuration asks for it. */
export type BridgeNetwork = {
  readonly network: string;
  readonly bridge: IfName;
  readonly isGateway: boolean;
  readonly isDefaultGateway: boolean;
  readonly forceAddress: boolean;
  readonly ipMasq: boolean;
  /** Where containers show their own addresses although they leave their subnet. */
  readonly unmasqueraded: readonly Cidr[];
  /** Bytes; undefined where the kernel's default is to stand. */
  readonly mtu: number | undefined;
  readonly hairpin: boolean;
  readonly promiscuous: boolean;
  readonly vlans: PortVlans;
  readonly macSpoofCheck: boolean;
  readonly ipSpoofCheck: boolean;
  readonly detectDuplicates: boolean;
  readonly disableContainerInterface: boolean;
  readonly isolated: boolean;
  readonly dns: ResultDns;
};

/** A network's way to other hosts, where it has one. */
export type Uplink = {
  /** What it lacks; carried out once the bridge is there. */
  readonly plan: (machine: Machine) => readonly Step[];
  /**
   * Called when the container is attached: what was opened at the beginning may be another host's by now.
   * @throws CniError code 11
   */
  readonly confirm: (machine: Machine) => void;
  /** @throws CniError code 999 naming what is not as it was left */
  readonly check: (machine: Machine) => void;
};

export const noUplink: Uplink = { plan: () => [], confirm: () => undefined, check: () => undefined };

/** A plugin whose containers are ports of a bridge: its name, and how it understands a call. */
export type BridgeKind = {
  readonly name: string;
  /**
   * What a call is about. IPAM may be given another configuration than the plugin: the plugin may decide what is leased from.
   * @throws CniError code 7, or 11 while something is not known yet
   */
  readonly open: <Call extends NetworkCall>(
    call: Call,
    machine: Machine,
  ) => { readonly network: BridgeNetwork; readonly ipamCall: Call; readonly uplink: Uplink };
  /**
   * What IPAM is given at DEL and GC, which need nothing else of the configuration, and nothing that can be missing.
   * @throws CniError code 7
   */
  readonly openRemoval: <Call extends NetworkCall>(call: Call) => { readonly ipamCall: Call };
};

/** The bridge that the network wants. */
export function describeBridge(
  { bridge, mtu, promiscuous, vlans, network }: BridgeNetwork,
  hostSeed: string,
): BridgeWish {
  return {
    name: bridge,
    mac: deriveMac(`${hostSeed}/bridge/${bridge}`),
    mtu,
    promiscuous,
    vlanFiltering: vlans.untagged !== undefined || vlans.tagged.length > 0,
    alias: networkAlias(network),
  };
}

/** The interface with the gateway addresses: the bridge, or the interface of the VLAN. */
export function gatewayLink({ bridge, vlans }: BridgeNetwork): IfName {
  return vlans.untagged === undefined ? bridge : vlanGatewayName(bridge, vlans.untagged);
}

/** The interface of the host that carries the gateway addresses of a VLAN. */
export function vlanGatewayName(bridge: IfName, vlan: number): IfName {
  const name = `${bridge}.${vlan}`;
  const parsed = parseIfName(name);
  if (parsed !== undefined) return parsed;
  throw unexpected('bridge', `a name short enough for its VLAN interface ${name}`, bridge);
}

/** The masquerading that the network needs for its addresses; undefined where it needs none. */
export function masqueradeOf(network: BridgeNetwork, addresses: readonly Cidr[]): Masquerade | undefined {
  if (!network.ipMasq || addresses.length === 0) return undefined;
  return {
    network: network.network,
    ingress: { kind: 'interface', name: gatewayLink(network) },
    subnets: addresses,
    unmasqueraded: network.unmasqueraded,
  };
}
