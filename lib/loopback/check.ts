import { requireContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { isUp, loopbackName } from './observe.ts';

/** @throws CniError code 999 where the container's loopback interface is down */
export function check({ attachment }: AttachmentCall, machine: Machine): void {
  requireContainerNetns(attachment, machine);
  if (machine.inNetns(attachment.netns, () => isUp(machine))) return;
  throw new CniError(
    ErrorCode.internal,
    `${loopbackName} of container ${attachment.containerId} is down; "ip link set ${loopbackName} up" there, or DEL and ADD the container again`,
  );
}
