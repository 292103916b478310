import { type MasqueradeChain, masqueradeChain } from '../masquerade/masquerade.ts';
import { type Cidr, formatCidr, networkOf } from '../net/cidr.ts';
import type { PointToPointNetwork } from './kind.ts';
import { linkGroupOf } from './link-group.ts';

/** The chains of the network's masquerade: one for each subnet that IPAM has given addresses of. */
export function masqueradeChains(
  network: PointToPointNetwork,
  leased: readonly Cidr[],
): readonly MasqueradeChain[] {
  if (!network.ipMasq) return [];
  const subnets = new Map(leased.map(networkOf).map((subnet) => [formatCidr(subnet), subnet]));
  return [...subnets.values()].map((subnet) => masqueradeOf(network, subnet));
}

/**
 * The chains by one of which an address may be masqueraded whose result does not tell its subnet any more: one for each
 * length of a prefix.
 */
export function possibleChains(
  network: PointToPointNetwork,
  { address, prefixLength: longest }: Cidr,
): readonly MasqueradeChain[] {
  return Array.from({ length: longest }, (_, at) =>
    masqueradeOf(network, networkOf({ address, prefixLength: longest - at })),
  );
}

function masqueradeOf(network: PointToPointNetwork, subnet: Cidr): MasqueradeChain {
  return masqueradeChain({
    network: network.network,
    ingress: { kind: 'group', group: linkGroupOf(network) },
    subnets: [subnet],
    unmasqueraded: network.unmasqueraded,
  });
}
