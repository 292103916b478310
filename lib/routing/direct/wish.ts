import { widthOf } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { BlackholeRoute, ExactRoute } from '../../plan/operation.ts';
import { directProtocol } from '../protocol.ts';
import type { Wanted } from '../wanted.ts';
import { type Surroundings, type Way, wayTo } from './way.ts';

/** One route that the kernel is to have. */
export type WishedRoute =
  | ({ readonly type: 'unicast' } & ExactRoute)
  | ({ readonly type: 'blackhole' } & BlackholeRoute);

/** A destination with its way; undefined where there is none. */
export type Led = { readonly wanted: Wanted; readonly way: Way | undefined };

export type DirectWish = {
  readonly led: readonly Led[];
  readonly routes: readonly WishedRoute[];
  /** What has no way, a sentence for each host and family. */
  readonly problems: readonly string[];
};

/** The kernel's own choice where none is given; of IPv6, 0 would mean just that. */
const metrics = { 4: 0, 6: 1024 } as const;

/** Behind that of every container's route, IPv6's 1024 among them. */
const lastMetric = 1_000_000;

/**
 * The routes to the other hosts, and a blackhole for whatever is this host's: what is for an address that no container has
 * would go to the default gateway otherwise, or, of a borrowed address, to its block's host, and come back from there. Pure.
 */
export function directWish(
  wanted: readonly Wanted[],
  own: readonly Cidr[],
  surroundings: Surroundings,
): DirectWish {
  const ways = wanted.map((each) => ({ wanted: each, way: wayTo(each, surroundings) }));
  const led = ways.map(({ wanted: each, way }) => ({
    wanted: each,
    way: 'problem' in way ? undefined : way,
  }));
  return {
    led,
    routes: [...led.flatMap(routeTo), ...own.map(blackholeOf)],
    problems: problemsOf(ways),
  };
}

function routeTo({ wanted: { dst }, way }: Led): readonly WishedRoute[] {
  if (way === undefined) return [];
  const { link, gateway: via, kind } = way;
  return [{ type: 'unicast', link, via, isOnLink: kind === 'vxlan', ...commonOf(dst) }];
}

/** That of a single address has the destination of its container's route, which must come before it. */
function blackholeOf(dst: Cidr): WishedRoute {
  const route = { type: 'blackhole', ...commonOf(dst) } as const;
  return dst.prefixLength < widthOf(dst.address.family) ? route : { ...route, metric: lastMetric };
}

/** Whether a route is for when there is no other: then those of others to its destination do not contradict it. */
export function isLastResort({ metric }: WishedRoute): boolean {
  return metric === lastMetric;
}

function commonOf(dst: Cidr): BlackholeRoute {
  return { dst, metric: metrics[dst.address.family], protocol: directProtocol };
}

/** A host that cannot be reached is told of once, however much it has. */
function problemsOf(
  ways: readonly { readonly wanted: Wanted; readonly way: Way | { readonly problem: string } }[],
): readonly string[] {
  const byHost = new Map<string, string>();
  for (const { wanted, way } of ways) {
    const key = `${wanted.node} ${wanted.dst.address.family}`;
    if ('problem' in way && !byHost.has(key)) byHost.set(key, way.problem);
  }
  return [...byHost.values()];
}
