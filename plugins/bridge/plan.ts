import {
  describeVeth,
  missingDefaultRoutes,
  planContainerSide,
  planVeth,
  type VethPair,
  withGateways,
} from '../../lib/attach/endpoint.ts';
import { type BridgeWish, networkAlias, planBridge, planGateways, planPort } from '../../lib/bridge/plan.ts';
import type { Attachment } from '../../lib/cni/invocation.ts';
import type { Result, ResultIp } from '../../lib/cni/result.ts';
import type { Link } from '../../lib/iproute/parse.ts';
import { type Masquerade, masqueradeChain, planMasquerade } from '../../lib/masquerade/masquerade.ts';
import { addressAfter, type IpAddress } from '../../lib/net/address.ts';
import { type Cidr, networkAddress } from '../../lib/net/cidr.ts';
import { hostVethName, type IfName } from '../../lib/net/ifname.ts';
import { deriveMac, type Mac, parseMac } from '../../lib/net/mac.ts';
import type { NftListing } from '../../lib/nft/parse.ts';
import type { Plan, Step } from '../../lib/plan/operation.ts';
import { planSpoofCheck, type SpoofCheck } from '../../lib/spoofcheck/spoofcheck.ts';
import { type BridgeConfig, vlanGatewayName } from './config.ts';

/** The kernel's MTU for a veth where none is configured, in bytes. */
const defaultMtu = 1500;

/** Everything an ADD is planned from. */
export type AddRequest = {
  readonly config: BridgeConfig;
  readonly attachment: Attachment;
  readonly mac: Mac | undefined;
  /** What IPAM has leased; no addresses for a network without IPAM. */
  readonly leased: Result;
};

/** What is there already. */
export type Observed = {
  readonly bridge: Link | undefined;
  /** The host's interface of the configured VLAN, where one is configured. */
  readonly vlanGateway: Link | undefined;
  /** Chains of ours that this network needs. */
  readonly nft: NftListing;
  /** Families that the host forwards already. */
  readonly forwards: readonly (4 | 6)[];
  /** Tells this host and boot from others. */
  readonly hostSeed: string;
};

/** What is to be done, and what the caller will be told. */
export type AddPlan = { readonly plan: Plan; readonly result: Result };

/** Step 5 of an ADD: from the configuration, the leases and what is there to ordered operations. Pure. */
export function planAdd(request: AddRequest, observed: Observed): AddPlan {
  const { config, attachment, leased } = request;
  const pair = describeVeth({
    network: config.network,
    attachment,
    mtu: config.mtu ?? defaultMtu,
    mac: request.mac,
    hostSeed: observed.hostSeed,
  });
  const ips = leased.ips.map((ip) => ({ ...withGateway(ip, config), interface: 2 }));
  const gateways = ips.flatMap(({ gateway }) => gateway ?? []);
  const defaults = config.isDefaultGateway ? missingDefaultRoutes(leased.routes, gateways) : [];
  const routes = [...leased.routes, ...defaults];
  const bridge = describeBridge(config, observed.hostSeed);
  const plan = [
    ...planBridge(bridge, observed.bridge),
    ...planGatewaySide(config, ips, observed),
    ...planVeth(pair),
    ...planPort({
      name: pair.hostName,
      bridge: config.bridge,
      hairpin: config.hairpin,
      isolated: config.isolated,
      vlans: config.vlans,
    }),
    ...(config.disableContainerInterface
      ? []
      : planContainerSide({
          link: attachment.ifName,
          addresses: ips.map(({ address }) => address),
          routes: withGateways(routes, gateways),
          detectDuplicates: config.detectDuplicates,
        })),
    ...planFilters(config, pair, ips, observed),
  ];
  return { plan, result: toResult(pair, { config, ips, routes, leased, bridge: observed.bridge ?? bridge }) };
}

/** The masquerading that the network needs for its addresses; undefined where it needs none. */
export function masqueradeOf(config: BridgeConfig, addresses: readonly Cidr[]): Masquerade | undefined {
  if (!config.ipMasq || addresses.length === 0) return undefined;
  return { network: config.network, inInterface: gatewayLink(config), subnets: addresses };
}

/** What the attachment's port may send; undefined where nothing is checked. */
export function spoofCheckOf(
  config: BridgeConfig,
  port: IfName,
  mac: Mac,
  addresses: readonly IpAddress[],
): SpoofCheck | undefined {
  if (!config.macSpoofCheck && !config.ipSpoofCheck) return undefined;
  return {
    port,
    mac: config.macSpoofCheck ? mac : undefined,
    addresses: config.ipSpoofCheck ? addresses : undefined,
  };
}

/** The bridge that the network wants. */
export function describeBridge(
  { bridge, mtu, promiscuous, vlans, network }: BridgeConfig,
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

/** IPAM's gateway; where it gives none and the bridge is one, the first address of the subnet. */
function withGateway(ip: ResultIp, { isGateway }: BridgeConfig): ResultIp {
  if (ip.gateway !== undefined || !isGateway) return ip;
  return { ...ip, gateway: addressAfter(networkAddress(ip.address)) };
}

/** The interface with the gateway addresses: the bridge, or the interface of the VLAN. */
export function gatewayLink({ bridge, vlans }: BridgeConfig): IfName {
  return vlans.untagged === undefined ? bridge : vlanGatewayName(bridge, vlans.untagged);
}

function planGatewaySide(
  config: BridgeConfig,
  ips: readonly ResultIp[],
  observed: Observed,
): readonly Step[] {
  if (!config.isGateway || ips.length === 0) return [];
  const link = gatewayLink(config);
  const found =
    (config.vlans.untagged === undefined ? observed.bridge : observed.vlanGateway)?.addresses ?? [];
  const gateways = ips.flatMap(({ gateway, address }) =>
    gateway === undefined ? [] : [{ address: gateway, prefixLength: address.prefixLength }],
  );
  const families = [...new Set(ips.map(({ address }) => address.address.family))];
  return [
    ...planVlanGateway(config, observed),
    ...planGateways({ link, gateways, force: config.forceAddress, pin: macToPin(config, observed) }, found),
    ...families.filter((family) => !observed.forwards.includes(family)).map(planForwarding),
  ];
}

/** Bridges of ours have a MAC of their own; that of another one is kept as it is, once it becomes a gateway. */
function macToPin({ network, vlans }: BridgeConfig, { bridge }: Observed): Mac | undefined {
  const isOwn = bridge === undefined || bridge.alias === networkAlias(network);
  return isOwn || vlans.untagged !== undefined ? undefined : parseMac(bridge.mac);
}

/** Forwarding belongs to the host; it stays on. */
function planForwarding(family: 4 | 6): Step {
  const path = family === 4 ? 'ipv4/ip_forward' : 'ipv6/conf/all/forwarding';
  return { place: 'host', operation: { kind: 'set-sysctl', path, value: '1' } };
}

/** A veth pair whose one end is the bridge's port in the VLAN, and whose other end carries the gateway addresses. */
function planVlanGateway(config: BridgeConfig, { vlanGateway, hostSeed }: Observed): readonly Step[] {
  const { untagged } = config.vlans;
  if (untagged === undefined || vlanGateway !== undefined) return [];
  const name = vlanGatewayName(config.bridge, untagged);
  const port = hostVethName(`vlan-gateway/${config.bridge}`, name);
  const mac = (end: string) => deriveMac(`${hostSeed}/${name}/${end}`);
  return [
    {
      place: 'host',
      operation: {
        kind: 'add-veth',
        name,
        mac: mac('gateway'),
        mtu: config.mtu ?? defaultMtu,
        peer: { name: port, mac: mac('port') },
      },
      undo: { kind: 'delete-link', name },
    },
    ...planPort({ name: port, bridge: config.bridge, hairpin: false, isolated: false, vlans: config.vlans }),
    { place: 'host', operation: { kind: 'set-up', name } },
  ];
}

function planFilters(
  config: BridgeConfig,
  pair: VethPair,
  ips: readonly ResultIp[],
  { nft }: Observed,
): readonly Step[] {
  const masquerade = masqueradeOf(
    config,
    ips.map(({ address }) => address),
  );
  const addresses = ips.map(({ address }) => address.address);
  const check = spoofCheckOf(config, pair.hostName, pair.containerMac, addresses);
  return [
    ...(masquerade === undefined ? [] : planMasquerade(masqueradeChain(masquerade), nft)),
    ...(check === undefined ? [] : planSpoofCheck(check, nft)),
  ];
}

type Outcome = {
  readonly config: BridgeConfig;
  readonly ips: Result['ips'];
  readonly routes: Result['routes'];
  readonly leased: Result;
  readonly bridge: { readonly name: string; readonly mac: string; readonly mtu: number | undefined };
};

/** Interfaces in the reference's order: bridge, host end, container end. */
function toResult(pair: VethPair, { config, ips, routes, leased, bridge }: Outcome): Result {
  const { hostName, hostMac, containerName, containerMac, mtu, netns } = pair;
  const isEmpty = Object.keys(config.dns).length === 0;
  return {
    interfaces: [
      { name: bridge.name, mac: bridge.mac, mtu: bridge.mtu ?? defaultMtu },
      { name: hostName, mac: hostMac, mtu },
      { name: containerName, mac: containerMac, mtu, sandbox: netns },
    ],
    ips,
    routes,
    dns: isEmpty ? leased.dns : config.dns,
  };
}
