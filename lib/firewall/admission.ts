import { type Endpoint, linkTo } from '../capability/endpoint.ts';
import { admittedMark } from '../iptables/marks.ts';
import { type Family, formatAddress, protocolOf } from '../net/address.ts';
import type { IfName } from '../net/ifname.ts';
import { type AddElement, ownedRule } from '../nft/operation.ts';
import { ownerComment } from '../rules/owner.ts';
import { noRules, type Rules, type SharedRule } from '../rules/rules.ts';
import { firewallTable } from '../rules/tables.ts';

/**
 * Marks what belongs to the container, so that a chain that would drop it can tell: all that it sends, answers to it, and
 * what a port map leads to it. Keyed by interface and address: what comes by another interface with a container's address
 * is not marked.
 * @param families those whose traffic somebody drops
 */
export function admissionRules(endpoint: Endpoint, families: readonly Family[]): Rules {
  const link = linkTo(endpoint);
  const own = link === undefined ? [] : admittedElements(endpoint, link, families);
  return own.length === 0 ? noRules : { shared: admissionShared, own };
}

/** An element for each address of those families. */
export function admittedElements(
  { network, attachment, ips }: Endpoint,
  link: IfName,
  families: readonly Family[],
): readonly AddElement[] {
  return ips
    .map(({ address }) => address.address)
    .filter(({ family }) => families.includes(family))
    .map((address) => ({
      kind: 'add-element',
      table: firewallTable,
      set: `admitted${address.family}`,
      key: [`"${link}"`, formatAddress(address)],
      comment: ownerComment(network, attachment),
    }));
}

/** What all admitted containers have in common: before the chains of iptables, which are at priority 0. */
export const admissionShared: readonly SharedRule[] = [
  { kind: 'add-set', table: firewallTable, set: 'admitted4', types: ['ifname', 'ipv4_addr'] },
  { kind: 'add-set', table: firewallTable, set: 'admitted6', types: ['ifname', 'ipv6_addr'] },
  {
    kind: 'write-chain',
    table: firewallTable,
    chain: 'admit_forwarded',
    hook: { type: 'filter', hook: 'forward', priority: '-5' },
    comment: 'marks what another firewall is to let through',
    rules: ([4, 6] as const)
      .flatMap((family) => rulesOf(family))
      .map((text) => ownedRule('admission', `${text} meta mark set mark or ${admittedMark}`)),
  },
];

function rulesOf(family: Family): readonly string[] {
  const protocol = protocolOf(family);
  const set = `@admitted${family}`;
  return [
    `iifname . ${protocol} saddr ${set}`,
    `oifname . ${protocol} daddr ${set} ct state established,related`,
    `oifname . ${protocol} daddr ${set} ct status dnat`,
  ];
}
