import type { VxlanLink } from '../../iproute/parse-vxlan.ts';
import type { Family } from '../../net/address.ts';
import { overlayMtu } from '../../overlay/kernel/mtu.ts';

/** Bytes of the underlay's packet that carries a full one of a VXLAN device. */
export function outerSize({ mtu, vxlan }: VxlanLink): number {
  const jumbo = 9000;
  return mtu + jumbo - overlayMtu(jumbo, outerFamily(vxlan));
}

/** The family of the underlay. */
export function outerFamily({ local, remote }: VxlanLink['vxlan']): Family {
  return (local ?? remote)?.family ?? 4;
}
