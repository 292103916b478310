import { isContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { inquire, outputOf } from '../exec/inquiry.ts';
import type { Machine } from '../exec/machine.ts';
import { isSurelyDown, loopbackName } from './observe.ts';

/**
 * Sets the container's loopback interface down. Succeeds where it is, and where the namespace has gone.
 * @throws CniError
 */
export function del({ attachment: { netns } }: AttachmentCall, machine: Machine): void {
  if (!isContainerNetns(netns, machine)) return;
  try {
    machine.inNetns(netns, () => setDown(machine));
  } catch (error) {
    // It may have gone meanwhile, and its loopback interface with it.
    if (isContainerNetns(netns, machine)) throw error;
  }
}

function setDown(machine: Machine): void {
  if (isSurelyDown(machine)) return;
  inquire(outputOf('ip', ['link', 'set', 'dev', loopbackName, 'down']), machine.run);
}
