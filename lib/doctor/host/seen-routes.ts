import type { Machine } from '../../exec/machine.ts';
import { type Json, listOf, objectOf, parseObjects, textOf } from '../../iproute/json.ts';
import { toDestination } from '../../iproute/parse.ts';
import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import { isOverlayProtocol } from '../../overlay/kernel/wish.ts';
import { ask } from '../ask.ts';
import { isLinkLocal } from '../link-addresses.ts';

/** A way that this host has to a network. */
export type SeenRoute = {
  readonly dst: Cidr;
  readonly dev: string;
  readonly hasGateway: boolean;
  /** Whether it bears the mark of our overlays' routes. */
  readonly isMarked: boolean;
};

/** The routes of all tables but those of the host's own addresses. @throws Unseen */
export function listRoutes(machine: Machine): readonly SeenRoute[] {
  // Numeric: what number a protocol's name has is a matter of this machine's files.
  const show = ['-N', '-j', 'route', 'show', 'table', 'all'];
  return ([4, 6] as const).flatMap((family) =>
    parseSeenRoutes(ask(machine, 'ip', [`-${family}`, ...show]), family),
  );
}

/** The table of a host's own addresses, and the one kind of route that leads somewhere. */
const localTable = '255';
const unicast = '1';

/** Output of `ip -4|-6 -N -j route show table all`: one for each interface by which a route leads out of its link. */
export function parseSeenRoutes(text: string, family: Family): readonly SeenRoute[] {
  return parseObjects(text)
    .filter(({ table, type = unicast }) => table !== localTable && type === unicast)
    .flatMap((route) => {
      const dst = toDestination(textOf(route.dst), family);
      const isMarked = isOverlayProtocol(Number(route.protocol ?? 0));
      const ways = [route, ...listOf(route.nexthops).map(objectOf)].filter(
        ({ dev }) => typeof dev === 'string',
      );
      return dst === undefined || isLinkLocal(dst.address)
        ? []
        : ways.map((way) => ({ dst, isMarked, ...toWay(way) }));
    });
}

function toWay({ dev, gateway, via }: Json): Pick<SeenRoute, 'dev' | 'hasGateway'> {
  return { dev: textOf(dev), hasGateway: gateway !== undefined || via !== undefined };
}
