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
 * The chains that masquerade needs: one base chain for each subnet, named by what it does. A chain of its own can be
 * written again as a whole by any number of ADDs at once, where rules added to a common chain would pile up.
 */
export function masqueradeChains({ network, inInterface, subnets }: Masquerade): readonly MasqueradeChain[] {
  const networks = new Map(subnets.map(networkOf).map((subnet) => [formatCidr(subnet), subnet]));
  return [...networks].map(([text, { address }]) => ({
    table: inetTable,
    chain: `${masqueradePrefix(network)}${hash64(`${inInterface} ${text}`).slice(0, 8)}`,
    rules: [masqueradeRule(network, inInterface, text, address.family === 4 ? v4 : v6)],
    comment: `${network.slice(0, 60)}: ${inInterface} ${text}`,
  }));
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
 * Writes the chains that are absent or altered. They belong to the network, not to the attachment: like its bridge
 * they stay when the last container has gone (removing them would race with the next ADD), so nothing undoes them.
 */
export function planMasquerade(chains: readonly MasqueradeChain[], listing: NftListing): readonly Step[] {
  return chains
    .filter((chain) => !isWritten(chain, listing))
    .map((chain) => ({ place: 'host', operation: toOperation(chain) }));
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
