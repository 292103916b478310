import type { Prepared } from '../attach/carry-out.ts';
import { defaultMtu, describeVeth, planContainerSide, planVeth, type VethPair } from '../attach/endpoint.ts';
import { planForwarding } from '../attach/forwarding.ts';
import type { Additions } from '../capability/additions.ts';
import { type Endpoint, endpointOf } from '../capability/endpoint.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { Result } from '../cni/result.ts';
import { type Family, isSameAddress } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';
import type { Operation, Step } from '../plan/operation.ts';
import { joinRules, type Rules } from '../rules/rules.ts';
import { containerRoutes, resultRoutes } from './container-routes.ts';
import { type GatewayedIp, gatewayMac, linkLocalGateways, wireAddresses } from './gateway.ts';
import { hostSettings, planHostEnd } from './host-side.ts';
import type { PointToPointNetwork, Wiring } from './kind.ts';
import { linkGroupOf } from './link-group.ts';
import { masqueradeChains } from './masquerade.ts';
import { sourceCheckChain } from './source-check.ts';

/** Everything an ADD is planned from. */
export type AddRequest = {
  readonly wiring: Wiring;
  readonly network: PointToPointNetwork;
  readonly attachment: Attachment;
  readonly mac: Mac | undefined;
  /** What IPAM has leased. */
  readonly leased: Result;
  /** What the configuration asks for beside attaching. */
  readonly additionsAt: (endpoint: Endpoint) => Additions;
};

/** What is there already. */
export type Observed = {
  /** Families that the host forwards already. */
  readonly forwards: readonly Family[];
  /** Tells this host and boot from others. */
  readonly hostSeed: string;
};

/** What is to be done, and what the caller will be told. */
export type AddPlan = Prepared & { readonly result: Result };

/**
 * Step 5 of an ADD: from the configuration, the leases and what is there to ordered operations. Pure.
 * The container's end comes up last: by then its host's end is as it is to be, and what it sends is checked.
 * @throws CniError code 7 for an address that the wiring cannot serve
 */
export function planAdd(request: AddRequest, observed: Observed): AddPlan {
  const { wiring, leased, network, attachment } = request;
  const pair = describePair(request, observed.hostSeed);
  const ips = wireAddresses(wiring, leased.ips);
  const routes = resultRoutes(wiring, leased.routes, ips);
  const end = { name: pair.hostName, wiring, ips };
  const result = toResult(pair, request, { ips, routes });
  const additions = request.additionsAt(endpointOf(network.network, attachment, result));
  const rules = joinRules(filtersOf(request), additions.rules);
  const before = [
    ...planVeth(pair),
    ...onHost(planHostEnd(end)),
    ...onHost(hostSettings(end)),
    ...familiesOf(ips)
      .filter((family) => !observed.forwards.includes(family))
      .map(planForwarding),
  ];
  const after = [
    ...planContainerSide({
      link: pair.containerName,
      addresses: ips.map(({ address }) => address),
      routes: containerRoutes(wiring, routes, ips),
      ...(wiring === 'subnet-gateway' ? { prefixRoutes: 'none' } : {}),
      detectDuplicates: false,
    }),
    ...planGatewayNeighbour(pair, ips),
    ...additions.steps,
  ];
  return { before, rules, after, flows: additions.flows, result: additions.amend(result) };
}

function describePair({ network, attachment, mac, wiring }: AddRequest, hostSeed: string): VethPair {
  const mtu = network.mtu ?? defaultMtu;
  const pair = describeVeth({ network: network.network, attachment, mtu, mac, hostSeed });
  const hostMac = wiring === 'link-local-gateway' ? gatewayMac : pair.hostMac;
  return { ...pair, hostMac, group: linkGroupOf(network) };
}

/**
 * The IPv4 gateway's MAC is the same on every link, so nobody need be asked: a host whose `arp_ignore` is set, as
 * kube-proxy's strict ARP sets it, would not answer for an address of lo. In IPv6 the gateway is the host end's own.
 */
function planGatewayNeighbour({ containerName }: VethPair, ips: readonly GatewayedIp[]): readonly Step[] {
  const address = linkLocalGateways[4];
  if (!ips.some(({ gateway }) => isSameAddress(gateway, address))) return [];
  const operation = { kind: 'replace-neighbour', link: containerName, address, mac: gatewayMac } as const;
  return [{ place: 'container', operation }];
}

/** What the network's containers may send, and its masquerade. */
function filtersOf({ network, leased }: AddRequest): Rules {
  const chains = masqueradeChains(
    network,
    leased.ips.map(({ address }) => address),
  );
  return { shared: [...(network.checksSource ? [sourceCheckChain] : []), ...chains], own: [] };
}

function familiesOf(ips: readonly GatewayedIp[]): readonly Family[] {
  return [...new Set(ips.map(({ address }) => address.address.family))];
}

function onHost(operations: readonly Operation[]): readonly Step[] {
  return operations.map((operation) => ({ place: 'host', operation }));
}

/** Interfaces in the reference's order: host end, container end. */
function toResult(
  { hostName, hostMac, containerName, containerMac, mtu, netns }: VethPair,
  { network, leased }: AddRequest,
  { ips, routes }: Pick<Result, 'ips' | 'routes'>,
): Result {
  const isEmpty = Object.keys(network.dns).length === 0;
  return {
    interfaces: [
      { name: hostName, mac: hostMac, mtu },
      { name: containerName, mac: containerMac, mtu, sandbox: netns },
    ],
    ips,
    routes,
    dns: isEmpty ? leased.dns : network.dns,
  };
}
