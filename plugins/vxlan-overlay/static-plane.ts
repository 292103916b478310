import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { inquire } from '../../lib/exec/inquiry.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { observeLink } from '../../lib/exec/observe.ts';
import { hash64 } from '../../lib/net/hash.ts';
import { vxlanConflict } from '../../lib/overlay/conflict.ts';
import { observePlane } from '../../lib/overlay/observe.ts';
import { planPlane } from '../../lib/overlay/plan.ts';
import type { Plane } from '../../lib/overlay/plane.ts';
import { networkOverlayPrefix, type PlaneWish } from '../../lib/overlay/wish.ts';
import { describeOperation } from '../../lib/plan/describe.ts';
import type { Plan, Step } from '../../lib/plan/operation.ts';

/** A plane of a network, and what it wants of the kernel. */
export type StaticPlane = { readonly network: string; readonly plane: Plane; readonly wish: PlaneWish };

/**
 * What the kernel lacks. To compare all entries takes five processes, which not every ADD is to pay: the device's alias
 * tells what was made for which configuration, set last, so that half of it does not count.
 */
export function planStaticPlane({ network, plane, wish }: StaticPlane, machine: Machine): readonly Step[] {
  const { name } = wish.device;
  const alias = aliasOf(network, wish);
  if (observeLink(machine, name)?.alias === alias) return [];
  return [...compare(plane, wish, machine), { place: 'host', operation: { kind: 'set-alias', name, alias } }];
}

/** @throws CniError code 999 naming the first thing that is missing */
export function checkStaticPlane({ network, plane, wish }: StaticPlane, machine: Machine): void {
  const settled = { ...wish, device: { ...wish.device, alias: aliasOf(network, wish) } };
  const [first] = compare(plane, settled, machine);
  if (first === undefined) return;
  throw new CniError(
    ErrorCode.internal,
    `the way to the other hosts is not as it was made: it needs ${describeOperation(first.operation)}; ` +
      `remove ${wish.device.name} ("ip link del ${wish.device.name}"), and the next ADD makes all of it again`,
  );
}

/** @throws CniError code 7 where another VXLAN device is in the way */
function compare(plane: Plane, wish: PlaneWish, machine: Machine): Plan {
  const observed = inquire(observePlane(plane), machine.run);
  const conflict = vxlanConflict(observed.vxlans, plane);
  if (conflict !== undefined) throw new CniError(ErrorCode.invalidConfig, conflict);
  return planPlane(wish, observed);
}

function aliasOf(network: string, wish: PlaneWish): string {
  const text = JSON.stringify(wish, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
  return `${networkOverlayPrefix(network)}${hash64(text)}`;
}
