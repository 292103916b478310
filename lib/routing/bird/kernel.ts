import type { TableRoute } from '../../iproute/parse-routes.ts';
import { formatAddress, widthOf } from '../../net/address.ts';
import { type Cidr, formatCidr } from '../../net/cidr.ts';
import type { Plan } from '../../plan/operation.ts';
import { toOwn, toRemoval } from '../direct/plan.ts';
import { describeHolder } from '../holder.ts';
import type { HostKernel } from '../host-kernel.ts';
import { birdProtocol, directProtocol } from '../protocol.ts';
import type { RouteStatus } from '../router.ts';
import type { Wanted } from '../wanted.ts';
import { describeAstray } from './astray.ts';

/** What the kernel has of the ways that BIRD is to find. */
export type BirdKernel = {
  readonly routes: readonly RouteStatus[];
  /** Routes of others, which would be taken before BIRD's; hosts that BIRD knows no way to; ways to a wrong host. */
  readonly problems: readonly string[];
  /** Removes what is left of mode "direct", each route once BIRD's is there or nothing is wished. */
  readonly plan: Plan;
};

/** Compares the main table with what is wanted. Pure. */
export function compareTable(
  wanted: readonly Wanted[],
  own: readonly Cidr[],
  { routes: table, containers }: Pick<HostKernel, 'routes' | 'containers'>,
): BirdKernel {
  const blocks = own.filter((cidr) => cidr.prefixLength < widthOf(cidr.address.family));
  const wished = new Set([...wanted.map(({ dst }) => dst), ...blocks].map(formatCidr));
  const birds = byDestination(table.filter(({ protocol }) => protocol === birdProtocol));
  const isOurs = ({ protocol }: TableRoute) => protocol === birdProtocol || protocol === directProtocol;
  const holders = table.filter((route) => !isOurs(route) && wished.has(formatCidr(route.dst)));
  return {
    routes: wanted.map((each) => toStatus(each, birds.get(formatCidr(each.dst)))),
    problems: [
      ...holders.map((holder) => describeHolder(holder, containers)),
      ...wanted.filter(({ dst }) => birds.get(formatCidr(dst))?.hops.length === 0).map(describeUnreachable),
      ...describeAstray(wanted, birds, table),
    ],
    plan: planLeftovers(table, (dst) => birds.has(dst) || !wished.has(dst)),
  };
}

function byDestination(routes: readonly TableRoute[]): ReadonlyMap<string, TableRoute> {
  return new Map(routes.map((route) => [formatCidr(route.dst), route]));
}

function planLeftovers(table: readonly TableRoute[], isReplaced: (dst: string) => boolean): Plan {
  return table
    .flatMap((route) => toOwn(route) ?? [])
    .filter(({ dst }) => isReplaced(formatCidr(dst)))
    .map((route) => ({ place: 'host', operation: toRemoval(route) }));
}

/** BIRD has learned of it, and cannot resolve the gateway. */
function describeUnreachable({ dst, host, nextHop }: Wanted): string {
  const address = nextHop === undefined ? '' : ` (${formatAddress(nextHop)})`;
  return (
    `no way to ${formatCidr(dst)}: BIRD knows none to its host ${host}${address}; ` +
    'this host needs a route there whose gateway is in the network of an interface'
  );
}

function toStatus({ dst, host }: Wanted, route: TableRoute | undefined): RouteStatus {
  const common = { dst: formatCidr(dst), family: dst.address.family, host };
  const [hop] = route?.hops ?? [];
  if (hop === undefined) return { ...common, way: 'none', isInstalled: false };
  const via = hop.via === undefined ? {} : { via: formatAddress(hop.via) };
  return { ...common, ...via, dev: hop.link, way: 'bgp', isInstalled: true };
}
