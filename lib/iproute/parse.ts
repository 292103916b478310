import { type Family, parseAddress } from '../net/address.ts';
import { asHost, type Cidr, everyAddress, parseCidr } from '../net/cidr.ts';
import { type Json, listOf, objectOf, optionalText, parseObjects, textOf } from './json.ts';

/** What `ip -j -d addr show` tells of one link. */
export type Link = {
  readonly name: string;
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  readonly isUp: boolean;
  readonly isPromiscuous: boolean;
  /** "bridge", "veth", …; empty for a physical link. */
  readonly kind: string;
  readonly master: string | undefined;
  readonly alias: string;
  /** Number of its link group, or "default", or its name in /etc/iproute2/group. */
  readonly group?: string | undefined;
  readonly addresses: readonly Cidr[];
  /** Of a bridge. */
  readonly vlanFiltering: boolean;
  /** Of a bridge's port. */
  readonly port: { readonly hairpin: boolean; readonly isolated: boolean } | undefined;
};

/** One route of `ip -j route show`. */
export type KernelRoute = {
  /** Undefined for a kind of route that has no destination of the usual form. */
  readonly dst: Cidr | undefined;
  readonly gateway: string | undefined;
  /** The link that it leads to; undefined for a route that leads to none, or to several. */
  readonly link?: string | undefined;
  /** Who has made it, by number or as in /etc/iproute2/rt_protos; undefined for what was made with `ip`. */
  readonly protocol?: string | undefined;
};

/** Output of `ip -j -d link|addr show`. */
export function parseLinks(text: string): readonly Link[] {
  return parseObjects(text)
    .filter((link) => typeof link.ifname === 'string')
    .map(toLink);
}

/** Output of `ip -4|-6 -j route show`, which prints "default" for every address and leaves /32 and /128 out. */
export function parseRoutes(text: string, family: Family): readonly KernelRoute[] {
  return parseObjects(text).map((route) => ({
    dst: toDestination(textOf(route.dst), family),
    gateway: optionalText(route.gateway),
    link: optionalText(route.dev),
    protocol: optionalText(route.protocol),
  }));
}

/** Undefined for a kind of route that has no destination of the usual form. */
export function toDestination(text: string, family: Family): Cidr | undefined {
  if (text === 'default') return everyAddress(family);
  const host = parseAddress(text);
  return host === undefined ? parseCidr(text) : asHost(host);
}

/** One object of `ip -j -d link|addr show`. */
export function toLink(link: Json): Link {
  const flags = listOf(link.flags);
  const info = objectOf(link.linkinfo);
  const data = objectOf(info.info_data);
  return {
    name: textOf(link.ifname),
    mac: textOf(link.address),
    mtu: Number(link.mtu ?? 0),
    isUp: flags.includes('UP'),
    isPromiscuous: flags.includes('PROMISC'),
    kind: textOf(info.info_kind),
    master: optionalText(link.master),
    alias: textOf(link.ifalias),
    group: optionalText(link.group),
    addresses: listOf(link.addr_info).flatMap(toCidr),
    vlanFiltering: data.vlan_filtering === 1,
    port: toPort(info),
  };
}

function toPort(info: Json): Link['port'] {
  if (info.info_slave_kind !== 'bridge') return undefined;
  const data = objectOf(info.info_slave_data);
  return { hairpin: data.hairpin === true, isolated: data.isolated === true };
}

function toCidr(item: unknown): Cidr[] {
  const { local, prefixlen } = objectOf(item);
  const address = parseAddress(textOf(local));
  return address === undefined ? [] : [{ address, prefixLength: Number(prefixlen) }];
}
