import type { Prepared } from '../attach/carry-out.ts';
import {
  defaultMtu,
  describeVeth,
  missingDefaultRoutes,
  planContainerSide,
  planVeth,
  type VethPair,
  withGateways,
} from '../attach/endpoint.ts';
import { planForwarding } from '../attach/forwarding.ts';
import type { Additions } from '../capability/additions.ts';
import { type Endpoint, endpointOf } from '../capability/endpoint.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { Result, ResultIp } from '../cni/result.ts';
import type { Link } from '../iproute/parse.ts';
import { masqueradeChain } from '../masquerade/masquerade.ts';
import { addressAfter, type IpAddress } from '../net/address.ts';
import { networkAddress } from '../net/cidr.ts';
import { hostVethName, type IfName } from '../net/ifname.ts';
import { deriveMac, type Mac, parseMac } from '../net/mac.ts';
import type { Step } from '../plan/operation.ts';
import { ownerComment } from '../rules/owner.ts';
import { joinRules, noRules, type Rules } from '../rules/rules.ts';
import { type SpoofCheck, spoofCheckRules } from '../spoofcheck/spoofcheck.ts';
import { type BridgeNetwork, describeBridge, gatewayLink, masqueradeOf, vlanGatewayName } from './network.ts';
import { networkAlias, planBridge, planGateways, planPort } from './plan-bridge.ts';

/** Everything an ADD is planned from. */
export type AddRequest = {
  readonly network: BridgeNetwork;
  readonly attachment: Attachment;
  readonly mac: Mac | undefined;
  /** What IPAM has leased; no addresses for a network without IPAM. */
  readonly leased: Result;
  /** What the configuration asks for beside attaching. */
  readonly additionsAt: (endpoint: Endpoint) => Additions;
};

/** What is there already. */
export type Observed = {
  readonly bridge: Link | undefined;
  /** The host's interface of the configured VLAN, where one is configured. */
  readonly vlanGateway: Link | undefined;
  /** Families that the host forwards already. */
  readonly forwards: readonly (4 | 6)[];
  /** What the network's way to other hosts lacks. */
  readonly uplink: readonly Step[];
  /** Tells this host and boot from others. */
  readonly hostSeed: string;
};

/** What is to be done, and what the caller will be told. */
export type AddPlan = Prepared & { readonly result: Result };

/** Step 5 of an ADD: from the configuration, the leases and what is there to ordered operations. Pure. */
export function planAdd(request: AddRequest, observed: Observed): AddPlan {
  const { network, attachment, leased } = request;
  const pair = describeVeth({
    network: network.network,
    attachment,
    mtu: network.mtu ?? defaultMtu,
    mac: request.mac,
    hostSeed: observed.hostSeed,
  });
  const ips = leased.ips.map((ip) => ({ ...withGateway(ip, network), interface: 2 }));
  const gateways = ips.flatMap(({ gateway }) => gateway ?? []);
  const defaults = network.isDefaultGateway ? missingDefaultRoutes(leased.routes, gateways) : [];
  const routes = [...leased.routes, ...defaults];
  const bridge = describeBridge(network, observed.hostSeed);
  const result = toResult(pair, { network, ips, routes, leased, bridge: observed.bridge ?? bridge });
  const additions = request.additionsAt(endpointOf(network.network, attachment, result));
  const rules = joinRules(filtersOf(network, pair, ips, attachment), additions.rules);
  const before = [
    ...planBridge(bridge, observed.bridge),
    ...planGatewaySide(network, ips, observed),
    ...observed.uplink,
    ...planVeth(pair),
    ...planPort({
      name: pair.hostName,
      bridge: network.bridge,
      hairpin: network.hairpin,
      isolated: network.isolated,
      vlans: network.vlans,
    }),
    ...(network.disableContainerInterface
      ? []
      : planContainerSide({
          link: attachment.ifName,
          addresses: ips.map(({ address }) => address),
          routes: withGateways(routes, gateways),
          detectDuplicates: network.detectDuplicates,
        })),
  ];
  return { before, rules, after: additions.steps, flows: additions.flows, result: additions.amend(result) };
}

/** What the attachment's port may send; undefined where nothing is checked. */
function spoofCheckOf(
  network: BridgeNetwork,
  port: IfName,
  mac: Mac,
  addresses: readonly IpAddress[],
): SpoofCheck | undefined {
  if (!network.macSpoofCheck && !network.ipSpoofCheck) return undefined;
  return {
    port,
    mac: network.macSpoofCheck ? mac : undefined,
    addresses: network.ipSpoofCheck ? addresses : undefined,
  };
}

/** IPAM's gateway; where it gives none and the bridge is one, the first address of the subnet. */
function withGateway(ip: ResultIp, { isGateway }: BridgeNetwork): ResultIp {
  if (ip.gateway !== undefined || !isGateway) return ip;
  return { ...ip, gateway: addressAfter(networkAddress(ip.address)) };
}

function planGatewaySide(
  network: BridgeNetwork,
  ips: readonly ResultIp[],
  observed: Observed,
): readonly Step[] {
  if (!network.isGateway || ips.length === 0) return [];
  const link = gatewayLink(network);
  const found =
    (network.vlans.untagged === undefined ? observed.bridge : observed.vlanGateway)?.addresses ?? [];
  const gateways = ips.flatMap(({ gateway, address }) =>
    gateway === undefined ? [] : [{ address: gateway, prefixLength: address.prefixLength }],
  );
  const families = [...new Set(ips.map(({ address }) => address.address.family))];
  return [
    ...planVlanGateway(network, observed),
    ...planGateways({ link, gateways, force: network.forceAddress, pin: macToPin(network, observed) }, found),
    ...families.filter((family) => !observed.forwards.includes(family)).map(planForwarding),
  ];
}

/** Bridges of ours have a MAC of their own; that of another one is kept as it is, once it becomes a gateway. */
function macToPin({ network, vlans }: BridgeNetwork, { bridge }: Observed): Mac | undefined {
  const isOwn = bridge === undefined || bridge.alias === networkAlias(network);
  return isOwn || vlans.untagged !== undefined ? undefined : parseMac(bridge.mac);
}

/** A veth pair whose one end is the bridge's port in the VLAN, and whose other end carries the gateway addresses. */
function planVlanGateway(network: BridgeNetwork, { vlanGateway, hostSeed }: Observed): readonly Step[] {
  const { untagged } = network.vlans;
  if (untagged === undefined || vlanGateway !== undefined) return [];
  const name = vlanGatewayName(network.bridge, untagged);
  const port = hostVethName(`vlan-gateway/${network.bridge}`, name);
  const mac = (end: string) => deriveMac(`${hostSeed}/${name}/${end}`);
  return [
    {
      place: 'host',
      operation: {
        kind: 'add-veth',
        name,
        mac: mac('gateway'),
        mtu: network.mtu ?? defaultMtu,
        peer: { name: port, mac: mac('port') },
      },
      undo: { kind: 'delete-link', name },
    },
    ...planPort({
      name: port,
      bridge: network.bridge,
      hairpin: false,
      isolated: false,
      vlans: network.vlans,
    }),
    { place: 'host', operation: { kind: 'set-up', name } },
  ];
}

/** The network's masquerade, and what the port may send. */
function filtersOf(
  network: BridgeNetwork,
  pair: VethPair,
  ips: readonly ResultIp[],
  attachment: Attachment,
): Rules {
  const masquerade = masqueradeOf(
    network,
    ips.map(({ address }) => address),
  );
  const addresses = ips.map(({ address }) => address.address);
  const check = spoofCheckOf(network, pair.hostName, pair.containerMac, addresses);
  return joinRules(
    { shared: masquerade === undefined ? [] : [masqueradeChain(masquerade)], own: [] },
    check === undefined ? noRules : spoofCheckRules(check, ownerComment(network.network, attachment)),
  );
}

type Outcome = {
  readonly network: BridgeNetwork;
  readonly ips: Result['ips'];
  readonly routes: Result['routes'];
  readonly leased: Result;
  readonly bridge: { readonly name: string; readonly mac: string; readonly mtu: number | undefined };
};

/** Interfaces in the reference's order: bridge, host end, container end. */
function toResult(pair: VethPair, { network, ips, routes, leased, bridge }: Outcome): Result {
  const { hostName, hostMac, containerName, containerMac, mtu, netns } = pair;
  const isEmpty = Object.keys(network.dns).length === 0;
  return {
    interfaces: [
      { name: bridge.name, mac: bridge.mac, mtu: bridge.mtu ?? defaultMtu },
      { name: hostName, mac: hostMac, mtu },
      { name: containerName, mac: containerMac, mtu, sandbox: netns },
    ],
    ips,
    routes,
    dns: isEmpty ? leased.dns : network.dns,
  };
}
