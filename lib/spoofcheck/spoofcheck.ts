import { formatAddress, type IpAddress } from '../net/address.ts';
import type { IfName } from '../net/ifname.ts';
import type { Mac } from '../net/mac.ts';
import { type NftOperation, type NftTable, ownedRule } from '../nft/operation.ts';
import { type NftListing, ruleComments } from '../nft/parse.ts';
import type { Step } from '../plan/operation.ts';

/** The table of what crosses a bridge. */
export const bridgeTable: NftTable = { family: 'bridge', name: 'fairlead' };

/** What one bridge port may send. */
export type SpoofCheck = {
  readonly port: IfName;
  /** The only source MAC, where that is checked. */
  readonly mac: Mac | undefined;
  /** The only source addresses, where that is checked. */
  readonly addresses: readonly IpAddress[] | undefined;
};

const chain = 'from_port';

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

/** The chain whose presence says that the table is complete. */
export const spoofCheckChain = { table: bridgeTable, chain };

/** Whether the rules stand as we would write them. */
export function hasSpoofRules(listing: NftListing): boolean {
  const found = ruleComments(listing, bridgeTable.family, chain);
  return found.length === rules.length && rules.every(({ comment }, at) => comment === found[at]);
}

/** The table where it is absent or altered, and the port's elements, which the undo takes away. */
export function planSpoofCheck(check: SpoofCheck, listing: NftListing): readonly Step[] {
  const table = hasSpoofRules(listing) ? [] : tableOperations();
  return [
    ...table.map((operation): Step => ({ place: 'host', operation })),
    ...elementsOf(check).map(
      (element): Step => ({
        place: 'host',
        operation: { kind: 'add-element', ...element },
        undo: { kind: 'delete-element', ...element },
      }),
    ),
  ];
}

/** The elements that a listing has of ports for which `isGone` holds, as operations that delete them. */
export function planRemoval(listing: NftListing, isGone: (port: string) => boolean): readonly NftOperation[] {
  return listing.elements
    .filter(({ family, set, key }) => family === bridgeTable.family && set in sets && isGone(key[0] ?? ''))
    .map(({ set, key: [port, ...rest] }) => ({
      kind: 'delete-element',
      table: bridgeTable,
      set,
      key: [`"${port}"`, ...rest],
    }));
}

/** The elements of a check that a listing lacks, for CHECK: each as `set: key`. */
export function missingElements(check: SpoofCheck, listing: NftListing): readonly string[] {
  const found = new Set(listing.elements.map(({ set, key }) => `${set}: ${key.join(' . ')}`));
  return elementsOf(check)
    .map(({ set, key }) => `${set}: ${key.join(' . ').replaceAll('"', '')}`)
    .filter((element) => !found.has(element));
}

type Element = { readonly table: NftTable; readonly set: keyof typeof sets; readonly key: readonly string[] };

function elementsOf({ port, mac, addresses }: SpoofCheck): readonly Element[] {
  const name = `"${port}"`;
  const element = (set: keyof typeof sets, ...key: string[]): Element => ({ table: bridgeTable, set, key });
  return [
    ...(mac === undefined ? [] : [element('mac_allowed', name, mac), element('mac_checked', name)]),
    ...(addresses ?? []).map((address) =>
      element(address.family === 4 ? 'ip4_allowed' : 'ip6_allowed', name, formatAddress(address)),
    ),
    ...(addresses === undefined ? [] : [element('ip_checked', name)]),
  ];
}

function tableOperations(): readonly NftOperation[] {
  return [
    ...Object.entries(sets).map(
      ([set, types]): NftOperation => ({ kind: 'add-set', table: bridgeTable, set, types }),
    ),
    {
      kind: 'write-chain',
      table: bridgeTable,
      chain,
      type: 'filter',
      hook: 'prerouting',
      priority: '-300',
      comment: 'a port sends only what is its own',
      rules,
    },
  ];
}
