import { release } from '../attach/release.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { BridgeParts } from './parts.ts';

/**
 * Takes the attachment off the bridge, with its rules.
 * @throws CniError after having done all that could be done
 */
export function del(call: AttachmentCall, parts: BridgeParts): void {
  const { kind, selectIpam, capabilities } = parts;
  const { ipamCall } = kind.openRemoval(call);
  release({ ipam: () => selectIpam(ipamCall), ipamCall, plugin: kind.name, capabilities }, parts);
}
