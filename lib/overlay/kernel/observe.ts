import { type Inquiry, outputOf } from '../../exec/inquiry.ts';
import {
  parseExactRoutes,
  parseFdb,
  parseNeighbours,
  parseVxlanLinks,
  type VxlanLink,
} from '../../iproute/parse-vxlan.ts';
import { type Family, isSameAddress } from '../../net/address.ts';
import { cidrContains } from '../../net/cidr.ts';
import type { ExactRoute, FdbEntry, FloodEntry, Neighbour } from '../../plan/operation.ts';
import type { Plane } from './plane.ts';
import { isOverlayProtocol, overlayProtocol } from './wish.ts';

/** What the kernel has of a plane. */
export type ObservedPlane = {
  /** Every VXLAN device of the host. */
  readonly vxlans: readonly VxlanLink[];
  /** The plane's own. */
  readonly device: VxlanLink | undefined;
  /** The device's permanent entries; what it has learned is none of ours. */
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  readonly flood: readonly FloodEntry[];
  /** Routes of ours, and those that flanneld has left on the device. */
  readonly routes: readonly ExactRoute[];
};

/**
 * Asks for what a plan for the plane is made from: five processes, or two in mode l2.
 * @param protocol of the plane's routes
 * @throws CniError where a tool cannot tell, as when the device goes meanwhile
 */
export function* observePlane(plane: Plane, protocol: number = overlayProtocol): Inquiry<ObservedPlane> {
  const vxlans = parseVxlanLinks(yield* outputOf('ip', ['-j', '-d', 'addr', 'show', 'type', 'vxlan']));
  const device = vxlans.find(({ name }) => name === plane.device);
  const entries = device === undefined ? nothing : yield* observeEntries(plane);
  const routes = [
    ...(plane.mode === 'l3' ? yield* observeOwnRoutes(plane, protocol) : []),
    ...(plane.mode === 'l3' && device !== undefined ? yield* observeTakenRoutes(plane, protocol) : []),
  ];
  return { vxlans, device, ...entries, routes };
}

type Entries = Pick<ObservedPlane, 'neighbours' | 'fdb' | 'flood'>;

const nothing: Entries = { neighbours: [], fdb: [], flood: [] };

function* observeEntries({ device, family, mode }: Plane): Inquiry<Entries> {
  const fdb = parseFdb(yield* outputOf('bridge', ['-j', 'fdb', 'show', 'dev', device]), device);
  if (mode === 'l2') return { ...nothing, ...fdb };
  const neighbours = [`-${family}`, '-j', 'neigh', 'show', 'dev', device, 'nud', 'permanent'];
  return { ...fdb, neighbours: parseNeighbours(yield* outputOf('ip', neighbours), device) };
}

function* observeOwnRoutes(plane: Plane, protocol: number): Inquiry<readonly ExactRoute[]> {
  const routes = yield* routesOf(plane.family, protocol);
  return routes.filter((route) => belongsTo(plane, route));
}

/** Whether a route is the plane's to keep or to remove, if it has the plane's protocol. */
export function belongsTo({ device, network }: Plane, { link, dst }: ExactRoute): boolean {
  return link === device || cidrContains(network, dst.address);
}

/** All routes of a protocol. */
export function* routesOf(family: Family, protocol: number): Inquiry<readonly ExactRoute[]> {
  const output = yield* outputOf('ip', [...showRoutes(family), 'proto', `${protocol}`]);
  return parseExactRoutes(output, { family, protocol });
}

/** Numeric (`-N`): a name for our protocol's number may be in this machine's /etc/iproute2/rt_protos. */
function showRoutes(family: Family): readonly string[] {
  return [`-${family}`, '-N', '-j', 'route', 'show'];
}

/** What those have left on the device that had it before. */
function* observeTakenRoutes({ device, family }: Plane, own: number): Inquiry<readonly ExactRoute[]> {
  const output = yield* outputOf('ip', [...showRoutes(family), 'dev', device]);
  return parseExactRoutes(output, { family, link: device }).filter(
    (route) => route.protocol !== own && (isOverlayProtocol(route.protocol) || isFlannels(route)),
  );
}

/** flanneld marks its routes with nothing but this: the gateway is the subnet's own address. */
function isFlannels({ dst, via }: ExactRoute): boolean {
  return via !== undefined && isSameAddress(via, dst.address);
}
