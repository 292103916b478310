import { type Family, type IpAddress, parseAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import { type Json, listOf, objectOf, parseObjects, textOf } from './json.ts';
import { toDestination } from './parse.ts';

/** One route of the main table, whoever has made it. */
export type TableRoute = {
  readonly dst: Cidr;
  /** `other`: unreachable, prohibit, throw, … */
  readonly type: 'unicast' | 'blackhole' | 'other';
  /** One, unless the route leads nowhere or several ways. */
  readonly hops: readonly RouteHop[];
  /** 0 where none is told. */
  readonly metric: number;
  /** Number of who has made it, as in /etc/iproute2/rt_protos. */
  readonly protocol: number;
};

export type RouteHop = {
  /** The interface. */
  readonly link: string;
  readonly via: IpAddress | undefined;
  readonly isOnLink: boolean;
};

/** What has made a route of which `ip` names nobody: RTPROT_BOOT. */
const bootProtocol = 3;

/** RTN_UNICAST and RTN_BLACKHOLE, as `-N` prints them, and as `ip` names them otherwise. */
const types: Readonly<Record<string, TableRoute['type']>> = {
  '': 'unicast',
  '1': 'unicast',
  unicast: 'unicast',
  '6': 'blackhole',
  blackhole: 'blackhole',
};

/** Output of `ip -4|-6 -N -j route show`. */
export function parseTableRoutes(text: string, family: Family): readonly TableRoute[] {
  return parseObjects(text).flatMap((route) => {
    const dst = toDestination(textOf(route.dst), family);
    if (dst === undefined) return [];
    const type = types[textOf(route.type)] ?? 'other';
    return [
      {
        dst,
        type,
        hops: type === 'unicast' ? hopsOf(route) : [],
        metric: Number(route.metric ?? 0),
        protocol: Number(route.protocol ?? bootProtocol),
      },
    ];
  });
}

function hopsOf(route: Json): readonly RouteHop[] {
  const several = listOf(route.nexthops).map(objectOf);
  return several.length === 0 ? [toHop(route)] : several.map(toHop);
}

/** IPv4 has the gateway of another family below `via`. */
function toHop({ dev, gateway, via, flags }: Json): RouteHop {
  return {
    link: textOf(dev),
    via: parseAddress(textOf(gateway) || textOf(objectOf(via).host)),
    isOnLink: listOf(flags).includes('onlink'),
  };
}
