import type { Attachment } from '../cni/invocation.ts';
import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { isContainerNetns } from './netns.ts';

/** The kernel says "File exists" for an interface of that name in the container: say which, and what to do. */
export function explainTakenInterface(error: unknown, attachment: Attachment, machine: Machine): unknown {
  const { netns, ifName, containerId } = attachment;
  if (!isContainerNetns(netns, machine)) return error;
  if (!machine.inNetns(netns, () => hasInterface(machine, ifName))) return error;
  const { message, details } = toCniError(error);
  return new CniError(
    ErrorCode.internal,
    `container ${containerId} has an interface ${ifName} already (in ${netns}); an ADD must follow a DEL`,
    { cause: error, details: details === undefined ? message : `${message}; ${details}` },
  );
}
