import { type Family, protocolOf } from '../net/address.ts';
import { type AddSet, type ChainHook, ownedRule, type WriteChain } from '../nft/operation.ts';
import type { SharedRule } from '../rules/rules.ts';
import { portmapTable } from '../rules/tables.ts';
import { localnetSet, namesOf, nearSet } from './names.ts';

/** What leads the first packet of a connection in one family: one address of the host goes before all of them. */
export function leadingRules(family: Family): readonly [at: string, all: string] {
  const { led, ledAt } = namesOf(family);
  const protocol = protocolOf(family);
  return [
    `dnat ${protocol} to ${protocol} daddr . meta l4proto . th dport map @${ledAt}`,
    `meta nfproto ipv${family} dnat ${protocol} to meta l4proto . th dport map @${led}`,
  ];
}

/** The conditions of whose port it is go before the port, and by `goto`: where they do not hold, it leads nowhere. */
function conditionalRules(family: Family): readonly string[] {
  const { conditional, conditionalAt } = namesOf(family);
  const [at, all] = leadingRules(family);
  return [
    `${protocolOf(family)} daddr . meta l4proto . th dport vmap @${conditionalAt}`,
    at,
    `meta nfproto ipv${family} meta l4proto . th dport vmap @${conditional}`,
    all,
  ];
}

/**
 * Whose source changes. What comes back by the interface that it came by would be answered past the host, which would not
 * know the answer for one; and nobody else answers a loopback address. A container that calls itself is known by its
 * address, too: where the host filters what crosses a bridge (`bridge-nf-call-iptables`), nobody tells the interface.
 */
const sourceRules = [
  `ip daddr @${namesOf(4).unchanged} return`,
  `ip6 daddr @${namesOf(6).unchanged} return`,
  `ip daddr @${namesOf(4).changed} masquerade`,
  `ip6 daddr @${namesOf(6).changed} masquerade`,
  `ip saddr . ip daddr @${namesOf(4).self} masquerade`,
  `ip6 saddr . ip6 daddr @${namesOf(6).self} masquerade`,
  `iifname . oifname @${nearSet} masquerade`,
  'ip saddr 127.0.0.0/8 oifname != "lo" masquerade',
];

/**
 * Routing loopback addresses on an interface would let whoever is linked there reach what listens for the host alone. Of
 * host ends it is their name that tells, so that there is no moment at which one is open.
 */
const guardRules = [`@${localnetSet}`, '"veth*"'].flatMap((ingress) => [
  `iifname ${ingress} ip daddr 127.0.0.0/8 drop`,
  `iifname ${ingress} ip saddr 127.0.0.0/8 drop`,
]);

const toHost = 'meta l4proto { tcp, udp, sctp } fib daddr type local jump portmap';

/** What all attachments with host ports have in common. */
export const sharedRules: readonly SharedRule[] = [
  ...setsOf(4),
  ...setsOf(6),
  addSet(nearSet, ['ifname', 'ifname']),
  addSet(localnetSet, ['ifname']),
  writeChain('portmap', 'from a host port to a container', [...conditionalRules(4), ...conditionalRules(6)]),
  writeChain('portmap_source', 'who sees an address of the host', sourceRules),
  writeChain('portmap_guard', 'loopback addresses stay on the host', guardRules, {
    type: 'filter',
    hook: 'prerouting',
    priority: 'raw',
  }),
  writeChain('portmap_in', 'from others', [toHost], { type: 'nat', hook: 'prerouting', priority: 'dstnat' }),
  // nft knows the name of this priority at the other hook only.
  writeChain('portmap_out', 'from the host', [toHost], { type: 'nat', hook: 'output', priority: '-100' }),
  writeChain('portmap_back', 'so that answers come back', ['ct status dnat jump portmap_source'], {
    type: 'nat',
    hook: 'postrouting',
    priority: 'srcnat',
  }),
];

function setsOf(family: Family): readonly AddSet[] {
  const { led, ledAt, conditional, conditionalAt, changed, self, unchanged } = namesOf(family);
  const address = `ipv${family}_addr`;
  const port = ['inet_proto', 'inet_service'];
  const target = [address, 'inet_service'];
  return [
    addSet(led, port, target),
    addSet(ledAt, [address, ...port], target),
    addSet(conditional, port, ['verdict']),
    addSet(conditionalAt, [address, ...port], ['verdict']),
    addSet(changed, [address]),
    addSet(self, [address, address]),
    addSet(unchanged, [address]),
  ];
}

function addSet(set: string, types: readonly string[], values?: readonly string[]): AddSet {
  return { kind: 'add-set', table: portmapTable, set, types, ...(values === undefined ? {} : { values }) };
}

function writeChain(chain: string, comment: string, texts: readonly string[], hook?: ChainHook): WriteChain {
  return {
    kind: 'write-chain',
    table: portmapTable,
    chain,
    ...(hook === undefined ? {} : { hook }),
    comment,
    rules: texts.map((text) => ownedRule('port map', text)),
  };
}
