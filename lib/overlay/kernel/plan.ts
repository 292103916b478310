import { formatAddress } from '../../net/address.ts';
import { formatCidr } from '../../net/cidr.ts';
import { type Difference, differenceOf, type Identity } from '../../plan/difference.ts';
import type { ExactRoute, FdbEntry, FloodEntry, Neighbour, Operation, Plan } from '../../plan/operation.ts';
import type { ObservedPlane } from './observe.ts';
import { isToBeMadeAnew, planDevice } from './plan-device.ts';
import type { DeviceWish, PlaneWish } from './wish.ts';

/**
 * What leads from what the kernel has to what the plane wishes; empty where nothing differs. What nobody wishes any
 * more goes first, in the reverse order of its coming. Then everything of a kind comes together, for all peers, so that
 * the number of processes does not depend on theirs; the routes last, when what they lead to is there. Nothing has an
 * undo: the next comparison goes on from wherever this one has come to.
 */
export function planPlane(wish: PlaneWish, found: ObservedPlane): Plan {
  const entries = compare(wish, withoutLosses(wish.device, found));
  const operations = [
    ...planRemoval(entries),
    ...planDevice(wish.device, found.device),
    ...planAddition(entries),
  ];
  return operations.map((operation) => ({ place: 'host', operation }));
}

/** The entries that will still be there when the device is as it should be. */
function withoutLosses(wish: DeviceWish, found: ObservedPlane): Entries {
  const { device, neighbours, fdb, flood, routes } = found;
  if (device === undefined || isToBeMadeAnew(wish, device)) {
    return { neighbours: [], fdb: [], flood: [], routes: routes.filter(({ link }) => link !== wish.name) };
  }
  // The kernel forgets a device's neighbours, the permanent ones too, when its MAC changes.
  return { neighbours: device.mac === wish.mac ? neighbours : [], fdb, flood, routes };
}

type Entries = Omit<PlaneWish, 'device'>;

type Differences = {
  readonly neighbours: Difference<Neighbour>;
  readonly fdb: Difference<FdbEntry>;
  readonly flood: Difference<FloodEntry>;
  readonly routes: Difference<ExactRoute>;
};

function compare(wish: Entries, found: Entries): Differences {
  return {
    neighbours: differenceOf(wish.neighbours, found.neighbours, neighbourIdentity),
    fdb: differenceOf(wish.fdb, found.fdb, fdbIdentity),
    flood: differenceOf(wish.flood, found.flood, floodIdentity),
    routes: differenceOf(wish.routes, found.routes, routeIdentity),
  };
}

function planRemoval({ neighbours, fdb, flood, routes }: Differences): readonly Operation[] {
  return [
    ...routes.surplus.toReversed().map((route) => ({ kind: 'delete-route', ...route }) as const),
    ...flood.surplus.map((entry) => ({ kind: 'delete-flood', ...entry }) as const),
    ...fdb.surplus.map((entry) => ({ kind: 'delete-fdb', ...entry }) as const),
    ...neighbours.surplus.map((neighbour) => ({ kind: 'delete-neighbour', ...neighbour }) as const),
  ];
}

function planAddition({ neighbours, fdb, flood, routes }: Differences): readonly Operation[] {
  return [
    ...neighbours.missing.map((neighbour) => ({ kind: 'replace-neighbour', ...neighbour }) as const),
    ...fdb.missing.map((entry) => ({ kind: 'replace-fdb', ...entry }) as const),
    ...flood.missing.map((entry) => ({ kind: 'append-flood', ...entry }) as const),
    ...routes.missing.map((route) => addRoute(route, routes.replacing.has(route))),
  ];
}

/**
 * `replace` would also take the place of the route that a bridge has to its own network, which the kernel does not bring
 * back when ours goes. IPv6 does without: no bridge's route has the metric of ours.
 */
function addRoute(route: ExactRoute, isReplacing: boolean): Operation {
  const isBeside = route.dst.address.family === 4 && !isReplacing;
  return { kind: isBeside ? 'prepend-route' : 'replace-route', ...route };
}

const neighbourIdentity: Identity<Neighbour> = {
  textOf: ({ address, mac }) => `${formatAddress(address)} ${mac}`,
  keyOf: ({ address }) => formatAddress(address),
};

const fdbIdentity: Identity<FdbEntry> = {
  textOf: ({ mac, dst }) => `${mac} ${formatAddress(dst)}`,
  keyOf: ({ mac }) => mac,
};

const floodIdentity: Identity<FloodEntry> = {
  textOf: ({ dst }) => formatAddress(dst),
  keyOf: ({ dst }) => formatAddress(dst),
};

const routeIdentity: Identity<ExactRoute> = {
  textOf: ({ dst, metric, via, link, isOnLink, protocol }) =>
    [formatCidr(dst), metric, via === undefined ? '' : formatAddress(via), link, isOnLink, protocol].join(
      ' ',
    ),
  keyOf: ({ dst, metric }) => `${formatCidr(dst)} ${metric}`,
};
