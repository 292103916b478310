import { removeLinks } from '../attach/remove-links.ts';
import { staleLinks } from '../attach/stale-links.ts';
import type { AttachmentCall, NetworkCall } from '../cni/dispatch.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { deviceName } from './shaping.ts';

/**
 * Removes an attachment's device; all else of its limits goes with the host's end. Costs no process where it has none.
 * @throws CniError
 */
export function removeDevice({ attachment }: AttachmentCall, machine: Machine): void {
  const name = deviceName(attachment);
  if (hasInterface(machine, name)) removeLinks([{ name }], machine);
}

/**
 * Removes the devices of a network's attachments that are not valid any more; none where the runtime does not say which are.
 * @throws CniError
 */
export function removeStaleDevices(call: NetworkCall, machine: Machine): void {
  removeLinks(staleLinks(call, 'ifb', machine), machine);
}
