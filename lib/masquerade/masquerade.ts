import { type Cidr, formatCidr, networkOf } from '../net/cidr.ts';
import { hash64 } from '../net/hash.ts';
import type { IfName } from '../net/ifname.ts';
import { type NftOperation, type NftRule, type NftTable, ownedRule } from '../nft/operation.ts';
import { type NftListing, ruleComments } from '../nft/parse.ts';
import type { Step } from '../plan/operation.ts';

/** The table of everything that is routed. */
export const inetTable: NftTable = { family: 'inet', name: 'fairlead' };

/** Containers of a network whose traffic to other networks leaves with the host's address. */
export type Masquerade = {
  readonly network: string;
  /** The interface by which the containers' packets come in: two networks may share a subnet. */
  readonly inInterface: IfName;
  readonly subnets: readonly Cidr[];
};

/**
 * The chain of a network's masquerade, with a rule for each subnet, named by what it does: containers of one network
 * may have addresses of other subnets, and then another chain. A chain that is nobody else's can be written again as a
 * whole by any number of ADDs at once, where rules added to a common chain would pile up.
 */
export function masqueradeChain({ network, inInterface, subnets }: Masquerade): MasqueradeChain {
  const networks = new Map(
    subnets.map(networkOf).map((subnet) => [formatCidr(subnet), subnet.address.family]),
  );
  const texts = [...networks.keys()].sort();
  return {
    table: inetTable,
    chain: `${masqueradePrefix(network)}${hash64([inInterface, ...texts].join(' ')).slice(0, 8)}`,
    rules: [...networks].map(([text, family]) =>
      masqueradeRule(network, inInterface, text, family === 4 ? v4 : v6),
    ),
    comment: `${network.slice(0, 60)}: ${inInterface}`,
  };
}

export type MasqueradeChain = {
  readonly table: NftTable;
  readonly chain: string;
  readonly rules: readonly NftRule[];
  readonly comment: string;
};

/** What the names of all masquerade chains of a network begin with. */
export function masqueradePrefix(network: string): string {
  return `masq_${hash64(network).slice(0, 8)}_`;
}

/** Whether the chain stands as we would write it. */
export function isWritten({ table, chain, rules }: MasqueradeChain, listing: NftListing): boolean {
  const found = ruleComments(listing, table.family, chain);
  return found.length === rules.length && rules.every(({ comment }, at) => comment === found[at]);
}

/**
 * Writes the chain if it is absent or altered. It belongs to the network, not to the attachment: like its bridge it
 * stays when the last container has gone (removing it would race with the next ADD), so nothing undoes this.
 */
export function planMasquerade(chain: MasqueradeChain, listing: NftListing): readonly Step[] {
  return isWritten(chain, listing) ? [] : [{ place: 'host', operation: toOperation(chain) }];
}

function toOperation({ table, chain, rules, comment }: MasqueradeChain): NftOperation {
  return {
    kind: 'write-chain',
    table,
    chain,
    type: 'nat',
    hook: 'postrouting',
    priority: 'srcnat',
    comment,
    rules,
  };
}

const v4 = { protocol: 'ip', multicast: '224.0.0.0/4' };
const v6 = { protocol: 'ip6', multicast: 'ff00::/8' };

function masqueradeRule(
  network: string,
  inInterface: IfName,
  subnet: string,
  { protocol, multicast }: typeof v4,
): NftRule {
  const match = `iifname "${inInterface}" ${protocol} saddr ${subnet} ${protocol} daddr != { ${subnet}, ${multicast} }`;
  return ownedRule(network, `${match} masquerade`);
}
