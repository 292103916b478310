import type { TableRoute } from '../../iproute/parse-routes.ts';
import { formatAddress } from '../../net/address.ts';
import { formatCidr } from '../../net/cidr.ts';
import { parseIfName } from '../../net/ifname.ts';
import { differenceOf, type Identity } from '../../plan/difference.ts';
import type { Operation, Plan } from '../../plan/operation.ts';
import { describeHolder } from '../holder.ts';
import type { HostKernel } from '../host-kernel.ts';
import { directProtocol } from '../protocol.ts';
import { isLastResort, type WishedRoute } from './wish.ts';

/** What leads from the table to the wish, and whose routes stand in the way. */
export type DirectPlan = { readonly plan: Plan; readonly problems: readonly string[] };

/**
 * Empty where nothing differs. A destination that has somebody else's route gets none of ours beside it: of two the kernel
 * would choose by metric, which tells nobody that they contradict each other. One that is there already stays. Pure.
 */
export function planDirect(
  wished: readonly WishedRoute[],
  { routes: table, containers }: Pick<HostKernel, 'routes' | 'containers'>,
): DirectPlan {
  const foreign = table.filter((route) => toOwn(route) === undefined);
  const holders = new Map(foreign.map((route) => [formatCidr(route.dst), route]));
  const holderOf = (route: WishedRoute) =>
    isLastResort(route) ? undefined : holders.get(formatCidr(route.dst));
  const { surplus, missing } = differenceOf(
    wished,
    table.flatMap((route) => toOwn(route) ?? []),
    routeIdentity,
  );
  const free = missing.filter((route) => holderOf(route) === undefined);
  // What is not wished any more goes first.
  const operations = [...surplus.map(toRemoval), ...free.map(toAddition)];
  return {
    plan: operations.map((operation) => ({ place: 'host', operation })),
    problems: wished.flatMap((route) => {
      const holder = holderOf(route);
      return holder === undefined ? [] : [describeHolder(holder, containers)];
    }),
  };
}

/** A route of ours, be it wished or not; undefined for all others, also of our protocol, that we would not make. */
export function toOwn({ dst, type, hops, metric, protocol }: TableRoute): WishedRoute | undefined {
  if (protocol !== directProtocol) return undefined;
  if (type === 'blackhole') return { type, dst, metric, protocol };
  const [hop, second] = hops;
  const link = parseIfName(hop?.link ?? '');
  if (type === 'other' || hop === undefined || second !== undefined || link === undefined) return undefined;
  return { type, dst, metric, protocol, link, via: hop.via, isOnLink: hop.isOnLink };
}

/** By which two routes are the same in all. */
export const routeIdentity: Identity<WishedRoute> = {
  textOf: (route) => [...keyWords(route), ...(route.type === 'unicast' ? unicastWords(route) : [])].join(' '),
  keyOf: (route) => keyWords(route).join(' '),
};

/** What takes a route of ours away. */
export function toRemoval(route: WishedRoute): Operation {
  return route.type === 'unicast'
    ? { kind: 'delete-route', ...withoutType(route) }
    : { kind: 'delete-blackhole', ...withoutType(route) };
}

function toAddition(route: WishedRoute): Operation {
  return route.type === 'unicast'
    ? { kind: 'replace-route', ...withoutType(route) }
    : { kind: 'add-blackhole', ...withoutType(route) };
}

function withoutType<T extends { readonly type: unknown }>({ type: _, ...route }: T): Omit<T, 'type'> {
  return route;
}

/** A blackhole and a route do not take each other's place: one goes before the other comes. */
function keyWords({ type, dst, metric }: WishedRoute): readonly string[] {
  return [type, formatCidr(dst), `${metric}`];
}

function unicastWords(route: Extract<WishedRoute, { type: 'unicast' }>): readonly string[] {
  const { via, link, isOnLink, protocol } = route;
  return [via === undefined ? '' : formatAddress(via), link, `${isOnLink}`, `${protocol}`];
}
