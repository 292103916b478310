import { masqueradeChain } from '../masquerade/masquerade.ts';
import { type Cidr, formatCidr, networkOf } from '../net/cidr.ts';
import type { WriteChain } from '../nft/operation.ts';
import type { PointToPointNetwork } from './kind.ts';
import { linkGroupOf } from './link-group.ts';

/** The chains of the network's masquerade: one for each subnet that IPAM has given addresses of. */
export function masqueradeChains(
  network: PointToPointNetwork,
  leased: readonly Cidr[],
): readonly WriteChain[] {
  if (!network.ipMasq) return [];
  const subnets = new Map(leased.map(networkOf).map((subnet) => [formatCidr(subnet), subnet]));
  return [...subnets.values()].map((subnet) => masqueradeOf(network, subnet));
}

function masqueradeOf(network: PointToPointNetwork, subnet: Cidr): WriteChain {
  return masqueradeChain({
    network: network.network,
    ingress: { kind: 'group', group: linkGroupOf(network) },
    subnets: [subnet],
    unmasqueraded: network.unmasqueraded,
  });
}
