import { release } from '../attach/release.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { PointToPointParts } from './parts.ts';

/**
 * Takes the container's link away, and with it addresses and routes; then the lease. No rule names an attachment.
 * @throws CniError after having done all that could be done
 */
export function del(call: AttachmentCall, { kind, machine, selectIpam }: PointToPointParts): void {
  const { ipamCall } = kind.openRemoval(call);
  release({ ipam: () => selectIpam(ipamCall), ipamCall, findElements: () => [] }, machine);
}
