import { release } from '../attach/release.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { PointToPointParts } from './parts.ts';

/**
 * Takes the container's link away, and with it addresses and routes; its rules; then the lease.
 * @throws CniError after having done all that could be done
 */
export function del(call: AttachmentCall, parts: PointToPointParts): void {
  const { kind, selectIpam, capabilities } = parts;
  const { ipamCall } = kind.openRemoval(call);
  release({ ipam: () => selectIpam(ipamCall), ipamCall, plugin: kind.name, capabilities }, parts);
}
