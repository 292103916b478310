import type { Attachment } from '../cni/invocation.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';

/**
 * Refuses, before anything is done, a namespace that is absent, no namespace, or the host's own: an ADD into the
 * latter would put the container's address and default route on the host.
 * @throws CniError code 4, or 8 for the host's own
 */
export function requireContainerNetns({ netns }: Attachment, machine: Machine): void {
  const own = machine.identifyOwnNetns();
  const found = machine.identifyNetns(netns);
  if (found === undefined) {
    throw new CniError(ErrorCode.invalidEnvironment, `CNI_NETNS: there is no network namespace at ${netns}`);
  }
  if (found.device !== own.device) {
    throw new CniError(ErrorCode.invalidEnvironment, `CNI_NETNS: ${netns} is not a network namespace`);
  }
  if (found.inode === own.inode) {
    throw new CniError(
      ErrorCode.ownNamespace,
      `CNI_NETNS: ${netns} is the host's own network namespace; a container needs one of its own`,
    );
  }
}

/** Whether a namespace that a DEL is given is there, and another than the host's. */
export function isContainerNetns(netns: string, machine: Machine): boolean {
  if (netns === '') return false;
  const own = machine.identifyOwnNetns();
  const found = machine.identifyNetns(netns);
  return found !== undefined && found.device === own.device && found.inode !== own.inode;
}
