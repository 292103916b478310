import type { Machine } from '../../exec/machine.ts';
import { type Json, listOf, objectOf, optionalText, parseObjects, textOf } from '../../iproute/json.ts';
import { toDestination } from '../../iproute/parse.ts';
import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import { ask } from '../ask.ts';

/** A route of the kernel, of whatever kind. */
export type SeenWay = {
  readonly dst: Cidr;
  /** "unicast", "blackhole", "unreachable", … */
  readonly kind: string;
  /** Undefined for a kind that leads nowhere. */
  readonly dev: string | undefined;
  /** Who has made it, by the numbers of /etc/iproute2/rt_protos. */
  readonly protocol: number;
};

/** All but those of the host's own addresses. @throws Unseen */
export function listWays(machine: Machine): readonly SeenWay[] {
  return ([4, 6] as const).flatMap((family) =>
    parseWays(ask(machine, 'ip', [`-${family}`, '-N', '-j', 'route', 'show', 'table', 'all']), family),
  );
}

/** Kinds of routes by their numbers in the kernel (rtnetlink(7)), which `ip -N` prints; a unicast route has none there. */
const kinds: Readonly<Record<string, string>> = {
  1: 'unicast',
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
  9: 'throw',
};
const localTable = '255';
/** RTPROT_BOOT, of a route that was added by hand: `ip` leaves it out. */
const byHand = 3;

/** Output of `ip -4|-6 -N -j route show table all`: one for each interface by which a route leads. */
export function parseWays(text: string, family: Family): readonly SeenWay[] {
  return parseObjects(text)
    .filter(({ table }) => textOf(table) !== localTable)
    .flatMap((route) => {
      const dst = toDestination(textOf(route.dst), family);
      const kind = kinds[textOf(route.type) || '1'];
      if (dst === undefined || kind === undefined) return [];
      const facts = { dst, kind, protocol: Number(route.protocol ?? byHand) };
      // In IPv6 also what leads nowhere has an interface: lo.
      const devices = kind === 'unicast' ? devicesOf(route) : [undefined];
      return devices.map((dev) => ({ ...facts, dev }));
    });
}

function devicesOf(route: Json): readonly (string | undefined)[] {
  const hops = listOf(route.nexthops).map((hop) => optionalText(objectOf(hop).dev));
  return hops.length === 0 ? [optionalText(route.dev)] : hops;
}
