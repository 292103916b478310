import type { TableRoute } from '../../iproute/parse-routes.ts';
import { formatAddress } from '../../net/address.ts';
import { formatCidr } from '../../net/cidr.ts';
import type { RouteStatus } from '../router.ts';
import { routeIdentity, toOwn } from './plan.ts';
import type { DirectWish, Led } from './wish.ts';

/** What the table has of the wish. */
export function directRoutes(
  { led, routes }: DirectWish,
  table: readonly TableRoute[],
): readonly RouteStatus[] {
  const found = new Set(table.flatMap((route) => toOwn(route) ?? []).map(routeIdentity.textOf));
  const installed = new Set(
    routes.filter((route) => found.has(routeIdentity.textOf(route))).map(({ dst }) => formatCidr(dst)),
  );
  return led.map((each) => toStatus(each, installed));
}

function toStatus({ wanted: { dst, host }, way }: Led, installed: ReadonlySet<string>): RouteStatus {
  const common = { dst: formatCidr(dst), family: dst.address.family, host };
  if (way === undefined) return { ...common, way: 'none', isInstalled: false };
  return {
    ...common,
    via: formatAddress(way.gateway),
    dev: way.link,
    way: way.kind,
    isInstalled: installed.has(common.dst),
  };
}
