import { type Inquiry, outputOf } from '../exec/inquiry.ts';
import {
  parseExactRoutes,
  parseFdb,
  parseNeighbours,
  parseVxlanLinks,
  type VxlanLink,
} from '../iproute/parse-vxlan.ts';
import { isSameAddress } from '../net/address.ts';
import { cidrContains } from '../net/cidr.ts';
import type { ExactRoute, FdbEntry, FloodEntry, Neighbour } from '../plan/operation.ts';
import type { Plane } from './plane.ts';
import { overlayProtocol } from './wish.ts';

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
 * @throws CniError where a tool cannot tell, as when the device goes meanwhile
 */
export function* observePlane(plane: Plane): Inquiry<ObservedPlane> {
  const vxlans = parseVxlanLinks(yield* outputOf('ip', ['-j', '-d', 'addr', 'show', 'type', 'vxlan']));
  const device = vxlans.find(({ name }) => name === plane.device);
  const entries = device === undefined ? nothing : yield* observeEntries(plane);
  const routes = plane.mode === 'l3' ? yield* observeRoutes(plane, device !== undefined) : [];
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

/** Numeric (`-N`): a name for our protocol's number may be in this machine's /etc/iproute2/rt_protos. */
function* observeRoutes(plane: Plane, hasDevice: boolean): Inquiry<readonly ExactRoute[]> {
  const { family, device } = plane;
  const show = [`-${family}`, '-N', '-j', 'route', 'show'];
  const ours = parseExactRoutes(yield* outputOf('ip', [...show, 'proto', `${overlayProtocol}`]), {
    family,
    protocol: overlayProtocol,
  });
  const onDevice = hasDevice
    ? parseExactRoutes(yield* outputOf('ip', [...show, 'dev', device]), { family, link: device })
    : [];
  return [
    ...ours.filter(({ link, dst }) => link === device || cidrContains(plane.network, dst.address)),
    ...onDevice.filter((route) => route.protocol !== overlayProtocol && isFlannels(route)),
  ];
}

/** flanneld marks its routes with nothing but this: the gateway is the subnet's own address. */
function isFlannels({ dst, via }: ExactRoute): boolean {
  return via !== undefined && isSameAddress(via, dst.address);
}
