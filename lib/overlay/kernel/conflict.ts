import type { VxlanLink } from '../../iproute/parse-vxlan.ts';
import type { Plane } from './plane.ts';

/**
 * Another VXLAN device that the plane's cannot live beside: of the same VNI and port, which the kernel refuses when the
 * device is made; or of the same port with settings of its own, which it refuses only when the device is to come up.
 * Devices over IPv4 and over IPv6 do not meet.
 * @returns a sentence for the operator; undefined where there is none
 */
export function vxlanConflict(vxlans: readonly VxlanLink[], plane: Plane): string | undefined {
  const rivals = vxlans.filter(
    (link) => link.name !== plane.device && link.vxlan.port === plane.port && carries(link, plane),
  );
  const twin = rivals.find(({ vxlan }) => vxlan.vni === plane.vni && vxlan.receiving.length === 0);
  if (twin !== undefined)
    return (
      `${plane.device}: the VXLAN device ${twin.name} has VNI ${plane.vni} and UDP port ${plane.port} already: ` +
      'remove it, or give the overlay another VNI or port'
    );
  const other = rivals.find(({ vxlan }) => vxlan.receiving.length > 0);
  if (other === undefined) return undefined;
  return (
    `${plane.device}: the VXLAN device ${other.name} has UDP port ${plane.port} with settings that no other device can share ` +
    `(${other.vxlan.receiving.join(', ')}): give the overlay another port`
  );
}

/** Whether a device receives packets of the plane's family; one that is controlled from outside receives both. */
function carries({ vxlan }: VxlanLink, { family }: Plane): boolean {
  if (vxlan.receiving.includes('external')) return true;
  return (vxlan.local ?? vxlan.remote)?.family === family || (family === 4 && !hasAddress(vxlan));
}

function hasAddress({ local, remote }: VxlanLink['vxlan']): boolean {
  return local !== undefined || remote !== undefined;
}
