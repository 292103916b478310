import type { Endpoint } from '../capability/endpoint.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type AddElement, ownedRule } from '../nft/operation.ts';
import { ownerComment } from '../rules/owner.ts';
import { joinRules, noRules, type Rules, type SharedRule } from '../rules/rules.ts';
import { bridgeTable, firewallTable } from '../rules/tables.ts';
import type { IngressPolicy } from './config.ts';
import { linkOf } from './link.ts';

/**
 * The rules of a policy. It holds for the whole bridge, and stays with it; what is routed from one link with a policy to
 * another one is dropped. Where a container has no bridge, its own link stands for one, and takes the policy along.
 * @throws CniError code 7 for a container that no interface of the host leads to
 */
export function isolationRules(policy: IngressPolicy, endpoint: Endpoint): Rules {
  if (policy === 'open') return noRules;
  const link = linkOf(endpoint);
  if (link === undefined) throw withoutLink(policy, endpoint);
  const name = `"${link}"`;
  const between = policy === 'isolated' ? 'isolated_links' : 'open_links';
  const elements = [toElement('kept_apart', [name]), toElement(between, [name, name])];
  const routed = { shared: [...routedRules, ...elements], own: [] };
  if (endpoint.bridge === undefined)
    return { shared: routedRules, own: elements.map((each) => ownedBy(each, endpoint)) };
  return policy === 'isolated' ? joinRules(routed, portRules(endpoint)) : routed;
}

/**
 * The bit of a packet's mark by which the chain of the bridge knows what a published port leads to its own container:
 * where br_netfilter is loaded, such a frame is led from port to port, and the kernel need not track connections of bridges.
 */
const publishedMark = '0x800';

/** A published port is open to everyone, and an answer belongs to whoever has asked. */
const routedRules: readonly SharedRule[] = [
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
const crossingRules: readonly SharedRule[] = [
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

function ownedBy(element: AddElement, { network, attachment }: Endpoint): AddElement {
  return { ...element, comment: ownerComment(network, attachment) };
}

function withoutLink(policy: IngressPolicy, { attachment: { containerId, ifName } }: Endpoint): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `ingressPolicy: ${policy} needs an interface of the host that leads to ${ifName} of container ${containerId}, and the result names none; chain firewall after a plugin that makes a bridge or a veth pair, or set ingressPolicy to open`,
  );
}
