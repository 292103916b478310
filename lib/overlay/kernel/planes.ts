import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import { type IfName, parseIfName } from '../../net/ifname.ts';
import { overlayMtu, vtepMac } from './mtu.ts';
import type { Outer } from './outer-link.ts';
import type { OverlayMode, Plane } from './plane.ts';

/** What a plane is made from. */
export type PlaneParts = {
  readonly family: Family;
  readonly mode: OverlayMode;
  readonly vni: number;
  readonly port: number;
  readonly outer: Outer;
  readonly network: Cidr;
  readonly subnet: Cidr;
  /** Bytes of a packet on the underlay, where it is to be less than the interface's MTU. */
  readonly outerMtu: number | undefined;
  /** Which the device joins in mode l2, once there is one. */
  readonly bridge: IfName | undefined;
};

/**
 * This host's part of an overlay for one family.
 * @throws CniError code 7 where the underlay has no address of the family, or too small an MTU
 */
export function toPlane({ family, mode, outer, bridge, outerMtu, ...parts }: PlaneParts): Plane {
  const publicAddress = outer.publicAddresses[family];
  if (publicAddress === undefined)
    throw new CniError(
      ErrorCode.invalidConfig,
      `the overlay has IPv${family}, and ${outer.name}, by which the other hosts are reached, has no IPv${family} address`,
    );
  return {
    ...parts,
    family,
    mode,
    device: deviceName(mode, family, parts.vni),
    publicAddress,
    outer: outer.name,
    mac: vtepMac(parts.vni, publicAddress),
    mtu: overlayMtu(Math.min(outer.mtu, outerMtu ?? outer.mtu), family),
    bridge: mode === 'l2' ? bridge : undefined,
  };
}

/**
 * The families that have a plane of their own. A layer 2 segment carries whatever is sent, and a second one between the
 * same bridges would be a loop.
 */
export function carriersOf(mode: OverlayMode, families: readonly Family[]): readonly Family[] {
  return mode === 'l2' ? families.slice(0, 1) : families;
}

/** Flannel's names for its devices; another for those that flanneld must not take for its own. */
export function deviceName(mode: OverlayMode, family: Family, vni: number): IfName {
  const prefix = mode === 'l3' ? { 4: 'flannel.', 6: 'flannel-v6.' } : { 4: 'vxlan.', 6: 'vxlan6.' };
  const name = parseIfName(`${prefix[family]}${vni}`);
  if (name !== undefined) return name;
  throw new CniError(
    ErrorCode.invalidConfig,
    `VNI ${vni}: the name of its device, ${prefix[family]}${vni}, would be longer than 15 characters; choose a smaller VNI`,
  );
}
