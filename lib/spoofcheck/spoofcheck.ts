import { formatAddress, type IpAddress } from '../net/address.ts';
import type { IfName } from '../net/ifname.ts';
import type { Mac } from '../net/mac.ts';
import { type AddElement, ownedRule } from '../nft/operation.ts';
import type { Rules, SharedRule } from '../rules/rules.ts';
import { bridgeTable } from '../rules/tables.ts';

/** What one bridge port may send. */
export type SpoofCheck = {
  readonly port: IfName;
  /** The only source MAC, where that is checked. */
  readonly mac: Mac | undefined;
  /** The only source addresses, where that is checked. */
  readonly addresses: readonly IpAddress[] | undefined;
};

/**
 * All checks are these few rules over sets keyed by port, so a packet costs the same with one port and a thousand.
 * An unspecified source (duplicate address detection, ARP probes) and IPv6 link-local ones are let through; a port
 * whose addresses are checked may send nothing but IP and ARP.
 */
const rules = [
  'iifname @mac_checked iifname . ether saddr != @mac_allowed drop',
  'iifname @mac_checked ether type arp iifname . arp saddr ether != @mac_allowed drop',
  'iifname @ip_checked ether type ip iifname . ip saddr != @ip4_allowed drop',
  'iifname @ip_checked ether type arp arp saddr ip != 0.0.0.0 iifname . arp saddr ip != @ip4_allowed drop',
  'iifname @ip_checked ether type ip6 ip6 saddr != { ::, fe80::/10 } iifname . ip6 saddr != @ip6_allowed drop',
  'iifname @ip_checked ether type != { ip, arp, ip6 } drop',
].map((text) => ownedRule('spoof check', text));

const sets = {
  mac_checked: ['ifname'],
  mac_allowed: ['ifname', 'ether_addr'],
  ip_checked: ['ifname'],
  ip4_allowed: ['ifname', 'ipv4_addr'],
  ip6_allowed: ['ifname', 'ipv6_addr'],
} as const;

/** The table of the check, and the port's elements in it. */
export function spoofCheckRules({ port, mac, addresses }: SpoofCheck, comment: string): Rules {
  const name = `"${port}"`;
  const element = (set: keyof typeof sets, ...key: string[]): AddElement => ({
    kind: 'add-element',
    table: bridgeTable,
    set,
    key,
    comment,
  });
  const own = [
    ...(mac === undefined ? [] : [element('mac_allowed', name, mac), element('mac_checked', name)]),
    ...(addresses ?? []).map((address) =>
      element(address.family === 4 ? 'ip4_allowed' : 'ip6_allowed', name, formatAddress(address)),
    ),
    ...(addresses === undefined ? [] : [element('ip_checked', name)]),
  ];
  return { shared: spoofCheckShared, own };
}

/** The sets and the chain of all checks. */
export const spoofCheckShared: readonly SharedRule[] = [
  ...Object.entries(sets).map(
    ([set, types]): SharedRule => ({ kind: 'add-set', table: bridgeTable, set, types }),
  ),
  {
    kind: 'write-chain',
    table: bridgeTable,
    chain: 'from_port',
    hook: { type: 'filter', hook: 'prerouting', priority: '-300' },
    comment: 'spoof check: a port sends only what is its own',
    rules,
  },
];
