import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { inquire } from '../../lib/exec/inquiry.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { observeLink } from '../../lib/exec/observe.ts';
import type { Link } from '../../lib/iproute/parse.ts';
import { hash64 } from '../../lib/net/hash.ts';
import { type IfName, parseIfName } from '../../lib/net/ifname.ts';
import { vxlanConflict } from '../../lib/overlay/kernel/conflict.ts';
import { observePlane } from '../../lib/overlay/kernel/observe.ts';
import { planPlane } from '../../lib/overlay/kernel/plan.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import { networkOverlayPrefix, type PlaneWish, staticProtocol } from '../../lib/overlay/kernel/wish.ts';
import { describeOperation } from '../../lib/plan/describe.ts';
import type { Plan, Step } from '../../lib/plan/operation.ts';

/** A plane of a network, and what it wants of the kernel. */
export type StaticPlane = {
  readonly network: string;
  readonly plane: Plane;
  readonly wish: PlaneWish;
  /** The VXLAN devices of all the network's planes. */
  readonly devices: readonly IfName[];
};

/**
 * What the kernel lacks. To compare all entries takes five processes, which not every ADD is to pay: the device's alias
 * tells what was made for which configuration, set last, so that half of it does not count.
 */
export function planStaticPlane(plane: StaticPlane, machine: Machine): readonly Step[] {
  const settled = withAlias(plane);
  const { name, alias } = settled.wish.device;
  if (isAsMade(observeLink(machine, name), settled.wish.device)) return [];
  return [...compare(plane, machine), { place: 'host', operation: { kind: 'set-alias', name, alias } }];
}

/** What one look at the device tells: an underlay that has changed, or somebody who has switched it off. */
function isAsMade(found: Link | undefined, { alias, mac, mtu, master }: PlaneWish['device']): boolean {
  if (found === undefined || !found.isUp) return false;
  return found.alias === alias && found.mac === mac && found.mtu === mtu && found.master === master;
}

/** @throws CniError code 999 naming the first thing that is missing */
export function checkStaticPlane(plane: StaticPlane, machine: Machine): void {
  const { wish } = plane;
  const [first] = compare(withAlias(plane), machine);
  if (first === undefined) return;
  throw new CniError(
    ErrorCode.internal,
    `the way to the other hosts is not as it was made: it needs ${describeOperation(first.operation)}; ` +
      `remove ${wish.device.name} ("ip link del ${wish.device.name}"), and the next ADD makes all of it again`,
  );
}

/** @throws CniError code 7 where another VXLAN device is in the way */
function compare({ network, plane, wish, devices }: StaticPlane, machine: Machine): Plan {
  const observed = inquire(observePlane(plane, staticProtocol), machine.run);
  const leftovers = observed.vxlans.filter(
    ({ name, alias }) =>
      alias.startsWith(networkOverlayPrefix(network)) && !devices.some((device) => device === name),
  );
  const lasting = observed.vxlans.filter((link) => !leftovers.includes(link));
  const conflict = vxlanConflict(lasting, plane);
  if (conflict !== undefined) throw new CniError(ErrorCode.invalidConfig, conflict);
  return [...leftovers.flatMap(planDeletion), ...planPlane(wish, observed)];
}

/** A device that the network had with another configuration. */
function planDeletion({ name }: { readonly name: string }): readonly Step[] {
  const parsed = parseIfName(name);
  return parsed === undefined ? [] : [{ place: 'host', operation: { kind: 'delete-link', name: parsed } }];
}

/** The plane with the alias that its device has once everything is made. */
function withAlias(plane: StaticPlane): StaticPlane {
  const { network, wish } = plane;
  const text = JSON.stringify(wish, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  const alias = `${networkOverlayPrefix(network)}${hash64(text)}`;
  return { ...plane, wish: { ...wish, device: { ...wish.device, alias } } };
}
