import type { IpAddress } from '../net/address.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { ContainerRoute, HostRoute, IpOperation } from '../plan/operation.ts';
import { scopeNumber } from './family.ts';
import { bootProtocol, type RouteAction, routeMessage, routeType } from './route-message.ts';

type ExactRouteOperation = Extract<IpOperation, { kind: 'prepend-route' | 'replace-route' | 'delete-route' }>;
type BlackholeOperation = Extract<IpOperation, { kind: 'add-blackhole' | 'delete-blackhole' }>;

const exactActions: Readonly<Record<ExactRouteOperation['kind'], RouteAction>> = {
  'prepend-route': 'prepend',
  'replace-route': 'replace',
  'delete-route': 'delete',
};

/** A container's route by the link of a number; undefined where its addresses are not of one family. */
export function containerRoute(route: ContainerRoute, index: number): NetlinkRequest | undefined {
  const { dst, gw, src, mtu, advmss, table } = route;
  if (!isOfFamilyOf(dst.address, gw) || !isOfFamilyOf(dst.address, src)) return undefined;
  return routeMessage('prepend', {
    ...{ dst, gateway: gw, source: src, priority: route.priority, index, mtu, advmss, table },
    type: routeType.unicast,
    scope: route.scope ?? usualScope(dst.address, gw),
    protocol: bootProtocol,
  });
}

/** The host's route to a container's address by the link of a number. */
export function hostRoute({ dst, scope }: HostRoute, index: number): NetlinkRequest {
  return routeMessage('add', {
    ...{ dst, index },
    type: routeType.unicast,
    scope: dst.address.family === 4 ? scopeNumber[scope] : scopeNumber.universe,
    protocol: bootProtocol,
  });
}

/** A route by the link of a number that comes, or goes; undefined where its addresses are not of one family. */
export function exactRoute(operation: ExactRouteOperation, index: number): NetlinkRequest | undefined {
  const { kind, dst, via, isOnLink, metric, protocol } = operation;
  if (!isOfFamilyOf(dst.address, via)) return undefined;
  const isGoing = kind === 'delete-route';
  return routeMessage(exactActions[kind], {
    ...{ dst, gateway: via, priority: metric === 0 ? undefined : metric, index, isOnLink, protocol },
    type: isGoing ? routeType.any : routeType.unicast,
    scope: isGoing ? anyScope(dst.address) : usualScope(dst.address, via),
  });
}

/** A route that ends here, which comes or goes. */
export function blackhole({ kind, dst, metric, protocol }: BlackholeOperation): NetlinkRequest {
  const isGoing = kind === 'delete-blackhole';
  return routeMessage(isGoing ? 'delete' : 'add', {
    ...{ dst, priority: metric === 0 ? undefined : metric, protocol },
    type: routeType.blackhole,
    scope: isGoing ? anyScope(dst.address) : scopeNumber.universe,
  });
}

/** IPv6 knows no scopes of routes. */
function usualScope({ family }: IpAddress, gateway: IpAddress | undefined): number {
  return family === 4 && gateway === undefined ? scopeNumber.link : scopeNumber.universe;
}

function anyScope({ family }: IpAddress): number {
  return family === 4 ? scopeNumber.nowhere : scopeNumber.universe;
}

function isOfFamilyOf({ family }: IpAddress, other: IpAddress | undefined): boolean {
  return other === undefined || other.family === family;
}
