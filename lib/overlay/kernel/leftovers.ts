import { type Inquiry, outputOf } from '../../exec/inquiry.ts';
import { parseVxlanLinks, type VxlanLink } from '../../iproute/parse-vxlan.ts';
import { parseIfName } from '../../net/ifname.ts';
import type { ExactRoute, Plan } from '../../plan/operation.ts';
import { belongsTo, routesOf } from './observe.ts';
import type { Plane } from './plane.ts';
import { overlayAlias, overlayProtocol, staticAliasPrefix } from './wish.ts';

/** What the kernel has that an agent may have made. */
export type Marked = {
  /** Every VXLAN device of the host. */
  readonly vxlans: readonly VxlanLink[];
  /** The routes of both families that have the agent's protocol. */
  readonly routes: readonly ExactRoute[];
};

/** Asks for it: three processes, however the overlay is configured now. @throws CniError where a tool cannot tell */
export function* observeMarked(): Inquiry<Marked> {
  const vxlans = parseVxlanLinks(yield* outputOf('ip', ['-j', '-d', 'addr', 'show', 'type', 'vxlan']));
  const routes = [...(yield* routesOf(4, overlayProtocol)), ...(yield* routesOf(6, overlayProtocol))];
  return { vxlans, routes };
}

/**
 * Removes what an agent has made for a family, VNI, mode or network that the overlay no longer has; what is within a
 * plane is the plane's to compare. Pure.
 */
export function planLeftovers({ vxlans, routes }: Marked, planes: readonly Plane[]): Plan {
  const devices = leftoverDevices(vxlans, planes);
  const routeless = new Set<string>([...devices, ...vxlans.filter(isStatic)].map(({ name }) => name));
  const stale = routes.filter(
    (route) => !routeless.has(route.link) && !planes.some((plane) => keepsRoute(plane, route)),
  );
  return [
    ...stale.toReversed().map((route) => ({ kind: 'delete-route', ...route }) as const),
    ...devices
      .flatMap(({ name }) => parseIfName(name) ?? [])
      .map((name) => ({ kind: 'delete-link', name }) as const),
  ].map((operation) => ({ place: 'host', operation }));
}

function leftoverDevices(vxlans: readonly VxlanLink[], planes: readonly Plane[]): readonly VxlanLink[] {
  const wanted = new Set<string>(planes.map(({ device }) => device));
  return vxlans.filter(({ name, alias }) => alias === overlayAlias && !wanted.has(name));
}

/** Made by a plugin for static peers. */
function isStatic({ alias }: VxlanLink): boolean {
  return alias.startsWith(staticAliasPrefix);
}

function keepsRoute(plane: Plane, route: ExactRoute): boolean {
  return plane.mode === 'l3' && plane.family === route.dst.address.family && belongsTo(plane, route);
}
