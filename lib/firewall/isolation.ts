import { type Endpoint, linkTo } from '../capability/endpoint.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { publishedMark } from '../iptables/marks.ts';
import { type AddElement, ownedRule, type RemoveElement } from '../nft/operation.ts';
import { ownerComment } from '../rules/owner.ts';
import { joinRules, noRules, type Rules, type SharedRule } from '../rules/rules.ts';
import { bridgeTable, firewallTable } from '../rules/tables.ts';
import type { IngressPolicy } from './config.ts';

/**
 * The rules of a policy. It holds for the whole bridge, and stays with it; what is routed from one link with a policy to
 * another one is dropped. Where a container has no bridge, its own link stands for one, and takes the policy along.
 * @throws CniError code 7 for a container that no interface of the host leads to
 */
export function isolationRules(policy: IngressPolicy, endpoint: Endpoint, machine: Machine): Rules {
  if (policy === 'open') return withoutPolicy(endpoint, machine);
  const link = linkTo(endpoint);
  if (link === undefined) throw withoutLink(policy, endpoint);
  const name = `"${link}"`;
  const [between, other] =
    policy === 'isolated'
      ? (['isolated_links', 'open_links'] as const)
      : (['open_links', 'isolated_links'] as const);
  const elements = [toElement('kept_apart', [name]), toElement(between, [name, name])];
  const routed = { shared: [...routedRules, ...elements, toAbsence(other, [name, name])], own: [] };
  if (endpoint.bridge === undefined)
    return { shared: routedRules, own: elements.map((each) => ownedBy(each, endpoint)) };
  return policy === 'isolated' ? joinRules(routed, portRules(endpoint)) : routed;
}

/** The bridge may have had a policy before; on a host without any policy nothing is written. */
function withoutPolicy({ bridge }: Endpoint, { findNftTables }: Machine): Rules {
  const { family, name: table } = firewallTable;
  if (bridge === undefined || findNftTables([{ family, table }]).length === 0) return noRules;
  const name = `"${bridge}"`;
  const links = ['isolated_links', 'open_links'].map((set) => toAbsence(set, [name, name]));
  return { shared: [...routedRules, toAbsence('kept_apart', [name]), ...links], own: [] };
}

/** Of what is routed: a published port is open to everyone, and an answer belongs to whoever has asked. */
export const routedRules: readonly SharedRule[] = [
  { kind: 'add-set', table: firewallTable, set: 'kept_apart', types: ['ifname'] },
  { kind: 'add-set', table: firewallTable, set: 'isolated_links', types: ['ifname', 'ifname'] },
  { kind: 'add-set', table: firewallTable, set: 'open_links', types: ['ifname', 'ifname'] },
  {
    kind: 'write-chain',
    table: firewallTable,
    chain: 'ingress_policy',
    hook: { type: 'filter', hook: 'forward', priority: '-10' },
    comment: 'who may begin to talk with containers',
    rules: [
      `iifname . oifname @isolated_links ct status dnat meta mark set mark or ${publishedMark}`,
      'ct state established,related accept',
      'ct status dnat accept',
      'iifname . oifname @isolated_links drop',
      'iifname . oifname @open_links accept',
      'iifname @kept_apart oifname @kept_apart drop',
    ].map((text) => ownedRule('ingress policy', text)),
  },
];

/**
 * Of a frame that only crosses the bridge; ARP and neighbour discovery find addresses that are taken twice. After
 * br_netfilter, which is at priority 0.
 */
export const crossingRules: readonly SharedRule[] = [
  { kind: 'add-set', table: bridgeTable, set: 'isolated_ports', types: ['ifname'] },
  {
    kind: 'write-chain',
    table: bridgeTable,
    chain: 'between_ports',
    hook: { type: 'filter', hook: 'forward', priority: '10' },
    comment: 'isolated ports reach no other port',
    rules: [
      `meta mark and ${publishedMark} == ${publishedMark} accept`,
      'ether type arp accept',
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
      'iifname @isolated_ports drop',
      'oifname @isolated_ports drop',
    ].map((text) => ownedRule('ingress policy', text)),
  },
];

function portRules(endpoint: Endpoint): Rules {
  const { hostEnd } = endpoint;
  if (hostEnd === undefined) return { shared: crossingRules, own: [] };
  const element: AddElement = {
    kind: 'add-element',
    table: bridgeTable,
    set: 'isolated_ports',
    key: [`"${hostEnd}"`],
  };
  return { shared: crossingRules, own: [ownedBy(element, endpoint)] };
}

function toElement(set: string, key: readonly string[]): AddElement {
  return { kind: 'add-element', table: firewallTable, set, key };
}

function toAbsence(set: string, key: readonly string[]): RemoveElement {
  return { kind: 'remove-element', table: firewallTable, set, key };
}

function ownedBy(element: AddElement, { network, attachment }: Endpoint): AddElement {
  return { ...element, comment: ownerComment(network, attachment) };
}

function withoutLink(policy: IngressPolicy, { attachment: { containerId, ifName } }: Endpoint): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `ingressPolicy: ${policy} needs an interface of the host that leads to ${ifName} of container ${containerId}, and the result names none; chain firewall after a plugin that makes a bridge or a veth pair, or set ingressPolicy to open`,
  );
}
