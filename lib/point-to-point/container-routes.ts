import { missingDefaultRoutes, withGateways } from '../attach/endpoint.ts';
import type { ResultRoute } from '../cni/result.ts';
import { widthOf } from '../net/address.ts';
import { asHost, formatCidr, networkOf } from '../net/cidr.ts';
import type { ContainerRoute } from '../plan/operation.ts';
import type { GatewayedIp } from './gateway.ts';
import type { Wiring } from './kind.ts';

/** Routes of the result: IPAM's; with a link-local gateway, a family that has none gets a default route. */
export function resultRoutes(
  wiring: Wiring,
  leased: readonly ResultRoute[],
  ips: readonly GatewayedIp[],
): readonly ResultRoute[] {
  if (wiring === 'subnet-gateway') return leased;
  const without = ips.filter(
    ({ gateway }) => !leased.some(({ dst }) => dst.address.family === gateway.family),
  );
  return [
    ...leased,
    ...missingDefaultRoutes(
      [],
      without.map(({ gateway }) => gateway),
    ),
  ];
}

/** Routes as the container gets them: first those to its gateways, without which no other can be set. */
export function containerRoutes(
  wiring: Wiring,
  routes: readonly ResultRoute[],
  ips: readonly GatewayedIp[],
): readonly ContainerRoute[] {
  const toGateways = ips.flatMap(wiring === 'subnet-gateway' ? throughGateway : onLink);
  const gateways = ips.map(({ gateway }) => gateway);
  return [...firstToEach(toGateways), ...withGateways(routes, gateways)];
}

/** The container's subnet is not on its link, but behind the gateway, which is. */
function throughGateway({ address, gateway }: GatewayedIp): readonly ContainerRoute[] {
  const src = address.address;
  const hasNeighbours = address.prefixLength < widthOf(src.family);
  return [
    { dst: asHost(gateway), src },
    ...(hasNeighbours ? [{ dst: networkOf(address), gw: gateway, src }] : []),
  ];
}

/** IPv6's link-local gateway is on every link by itself. */
function onLink({ gateway }: GatewayedIp): readonly ContainerRoute[] {
  return gateway.family === 4 ? [{ dst: asHost(gateway) }] : [];
}

/** Two addresses of one subnet have the way to it in common. */
function firstToEach(routes: readonly ContainerRoute[]): readonly ContainerRoute[] {
  const targets = routes.map(({ dst }) => formatCidr(dst));
  return routes.filter((_, at) => targets.indexOf(targets[at] ?? '') === at);
}
