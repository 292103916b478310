import { protocolOf } from '../net/address.ts';
import { type Cidr, cidrContains, formatCidr, networkOf } from '../net/cidr.ts';
import { hash64 } from '../net/hash.ts';
import type { IfName } from '../net/ifname.ts';
import { type ChainHook, type NftRule, ownedRule, type WriteChain } from '../nft/operation.ts';
import { inetTable } from '../rules/tables.ts';

export const masqueradeHook: ChainHook = { type: 'nat', hook: 'postrouting', priority: 'srcnat' };

/** Containers of a network whose traffic to other networks leaves with the host's address. */
export type Masquerade = {
  readonly network: string;
  /** By what the containers' packets come in: two networks may share a subnet. */
  readonly ingress: Ingress;
  readonly subnets: readonly Cidr[];
  /** Other networks that see the containers' own addresses. */
  readonly unmasqueraded: readonly Cidr[];
};

/** Where packets of containers come in: one interface that they share, or the link group of their host ends. */
export type Ingress =
  | { readonly kind: 'interface'; readonly name: IfName }
  | { readonly kind: 'group'; readonly group: number };

/**
 * The chain of a network's masquerade, with a rule for each subnet, named by what it does: containers of one network
 * may have addresses of other subnets, and then another chain. A chain that is nobody else's can be written again as a
 * whole by any number of ADDs at once, where rules added to a common chain would pile up.
 */
export function masqueradeChain({ network, ingress, subnets, unmasqueraded }: Masquerade): WriteChain {
  const networks = new Map(subnets.map(networkOf).map((subnet) => [formatCidr(subnet), subnet]));
  const texts = [...networks.keys(), ...unmasqueraded.map(formatCidr)].sort();
  return {
    kind: 'write-chain',
    table: inetTable,
    hook: masqueradeHook,
    chain: `${masqueradePrefix(network)}${hash64([nameIngress(ingress), ...texts].join(' ')).slice(0, 8)}`,
    rules: [...networks.values()].map((subnet) =>
      masqueradeRule(network, ingress, { subnet, unmasqueraded }),
    ),
    comment: `masquerade of ${network.slice(0, 60)} by ${nameIngress(ingress)}`,
  };
}

/** What the names of all masquerade chains of a network begin with. */
export function masqueradePrefix(network: string): string {
  return `masq_${hash64(network).slice(0, 8)}_`;
}

/** Goes to others as it is: what is masqueraded would not be the sender's any more. */
export const multicast = { 4: '224.0.0.0/4', 6: 'ff00::/8' } as const;

/** A set must not have an interval within another one: a subnet that lies in a network that is left out goes with it. */
function masqueradeRule(
  network: string,
  ingress: Ingress,
  { subnet, unmasqueraded }: { readonly subnet: Cidr; readonly unmasqueraded: readonly Cidr[] },
): NftRule {
  const { family } = subnet.address;
  const protocol = protocolOf(family);
  const wide = unmasqueraded.filter(({ address }) => address.family === family);
  const isCovered = wide.some((other) => cidrContains(other, subnet.address));
  const own = [...(isCovered ? [] : [subnet]), ...wide].map(formatCidr);
  const match = `${matchIngress(ingress)} ${protocol} saddr ${formatCidr(subnet)} ${protocol} daddr != { ${[...own, multicast[family]].join(', ')} }`;
  return ownedRule(network, `${match} masquerade`);
}

function matchIngress(ingress: Ingress): string {
  return ingress.kind === 'interface' ? `iifname "${ingress.name}"` : `iifgroup ${ingress.group}`;
}

function nameIngress(ingress: Ingress): string {
  return ingress.kind === 'interface' ? ingress.name : `group ${ingress.group}`;
}
