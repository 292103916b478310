import type { TableRoute } from '../../iproute/parse-routes.ts';
import { formatAddress } from '../../net/address.ts';
import { type Cidr, formatCidr } from '../../net/cidr.ts';
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

/** What of this host's is kept from leaving it: that which the table has the blackhole for. */
export function directAnnounced(own: readonly Cidr[], table: readonly TableRoute[]): readonly string[] {
  const kept = table.flatMap((route) => toOwn(route) ?? []).filter(({ type }) => type === 'blackhole');
  const destinations = new Set(kept.map(({ dst }) => formatCidr(dst)));
  return own.map(formatCidr).filter((dst) => destinations.has(dst));
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
