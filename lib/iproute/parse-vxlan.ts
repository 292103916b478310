import { type Family, type IpAddress, parseAddress } from '../net/address.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';
import { parseMac } from '../net/mac.ts';
import {
  type ExactRoute,
  type FdbEntry,
  type FloodEntry,
  floodMac,
  type Neighbour,
} from '../plan/operation.ts';
import { type Json, listOf, objectOf, optionalText, parseObjects, textOf } from './json.ts';
import { type Link, toDestination, toLink } from './parse.ts';

/** A VXLAN device and what it was made with. */
export type VxlanLink = Link & {
  readonly vxlan: {
    readonly vni: number;
    /** UDP. */
    readonly port: number;
    readonly local: IpAddress | undefined;
    /** Where it sends what it has no entry for: a host, or a multicast group. */
    readonly remote: IpAddress | undefined;
    /** The interface of the underlay. */
    readonly outer: string | undefined;
    readonly learning: boolean;
    /** How many MACs it knows at the most; undefined for any number. */
    readonly maxAddresses: number | undefined;
    /** Those settings, by their names, that devices on one port must have in common. */
    readonly receiving: readonly string[];
  };
};

/** Output of `ip -j -d addr show type vxlan`. */
export function parseVxlanLinks(text: string): readonly VxlanLink[] {
  return parseObjects(text)
    .filter((link) => typeof link.ifname === 'string')
    .map((link) => ({ ...toLink(link), vxlan: toVxlan(objectOf(objectOf(link.linkinfo).info_data)) }));
}

/** VXLAN_F_RCV_FLAGS of the kernel, less the one for IPv6 addresses of the link. */
const receiving = ['external', 'gbp', 'gpe', 'remcsum_rx', 'udp_zero_csum6_rx', 'vnifilter'];

function toVxlan(data: Json): VxlanLink['vxlan'] {
  const addressOf = (...names: string[]) =>
    parseAddress(names.map((name) => textOf(data[name])).find((text) => text !== '') ?? '');
  return {
    vni: Number(data.id ?? 0),
    port: Number(data.port ?? 0),
    local: addressOf('local', 'local6'),
    remote: addressOf('remote', 'remote6', 'group', 'group6'),
    outer: optionalText(data.link),
    learning: data.learning === true,
    maxAddresses: typeof data.limit === 'number' && data.limit > 0 ? data.limit : undefined,
    receiving: receiving.filter((name) => data[name] === true),
  };
}

/** Output of `ip -j neigh show dev … nud permanent`. */
export function parseNeighbours(text: string, link: IfName): readonly Neighbour[] {
  return parseObjects(text).flatMap((entry) => {
    const address = parseAddress(textOf(entry.dst));
    const mac = parseMac(textOf(entry.lladdr));
    return address === undefined || mac === undefined ? [] : [{ link, address, mac }];
  });
}

/** Output of `bridge -j fdb show dev …` of a VXLAN device: its permanent entries, not those that it has learned. */
export function parseFdb(
  text: string,
  device: IfName,
): { readonly fdb: readonly FdbEntry[]; readonly flood: readonly FloodEntry[] } {
  const entries = parseObjects(text).flatMap(({ mac, dst, state, flags }) => {
    const host = parseAddress(textOf(dst));
    const isPermanent = state === 'permanent' && listOf(flags).includes('self');
    return host === undefined || !isPermanent ? [] : [{ text: textOf(mac), dst: host }];
  });
  return {
    fdb: entries.flatMap((entry) => {
      const mac = parseMac(entry.text);
      return mac === undefined ? [] : [{ device, mac, dst: entry.dst }];
    }),
    flood: entries.filter((entry) => entry.text === floodMac).map(({ dst }) => ({ device, dst })),
  };
}

/** What was asked for, which `ip` then leaves out of its answer. */
export type RouteQuestion = {
  readonly family: Family;
  readonly link?: IfName;
  readonly protocol?: number;
};

/** What has made a route of which `ip` names nobody: RTPROT_BOOT. */
const bootProtocol = 3;

/** Output of `ip -4|-6 -N -j route show` for an interface or a protocol; without routes that have several gateways. */
export function parseExactRoutes(
  text: string,
  { family, link, protocol }: RouteQuestion,
): readonly ExactRoute[] {
  return parseObjects(text).flatMap((route) => {
    const name = link ?? parseIfName(textOf(route.dev));
    const dst = toDestination(textOf(route.dst), family);
    if (name === undefined || dst === undefined) return [];
    return [
      {
        link: name,
        dst,
        via: parseAddress(textOf(route.gateway)),
        isOnLink: listOf(route.flags).includes('onlink'),
        metric: Number(route.metric ?? 0),
        protocol: Number(route.protocol ?? protocol ?? bootProtocol),
      },
    ];
  });
}
