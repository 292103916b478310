import type { Attachment } from '../cni/invocation.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { type ProcessBatch, toCommand, toFailure } from '../exec/tool.ts';
import { hostVethName, type IfName } from '../net/ifname.ts';
import type { NftOperation } from '../nft/operation.ts';
import { isContainerNetns } from './netns.ts';

/**
 * Takes an attachment out of the kernel: its link and the elements of ours that name it. Succeeds where nothing is
 * left of it.
 * @returns what failed: nothing where all is gone
 */
export function detach(
  attachment: Attachment,
  elements: readonly NftOperation[],
  machine: Machine,
): readonly CniError[] {
  const name = hostVethName(attachment.containerId, attachment.ifName);
  const hadHostEnd = hasInterface(machine, name);
  const awaitRemoval = hadHostEnd ? startRemoval(name, machine) : () => [];
  return [
    // nft waits for the kernel, too (10 ms): meanwhile the link goes.
    ...run({ place: 'host', tool: 'nft', operations: elements }, machine),
    ...awaitRemoval(),
    // Only a link that the reference made has a host end that we do not know: it goes by its container end.
    ...(hadHostEnd ? [] : removeContainerEnd(attachment, machine)),
  ];
}

const pollMs = 0.2;
const patienceMs = 5_000;

/**
 * Begins to remove a link, and returns what waits until it is out of sight.
 *
 * The kernel takes a link out of its namespace within 2 ms, and then keeps `ip` waiting for 10 to 40 more, until
 * nobody can hold a reference (rcu_barrier, outside the rtnl lock). Nothing that follows depends on that, so the
 * process is left to end by itself. Should the link not go, `ip` is run once more, to learn why.
 */
function startRemoval(name: IfName, machine: Machine): () => readonly CniError[] {
  const removal = machine.startDetached({ file: 'ip', args: ['link', 'del', 'dev', name] });
  return () => {
    for (let waitedMs = 0; waitedMs < patienceMs && !removal.hasEnded(); waitedMs += pollMs) {
      if (!hasInterface(machine, name)) return [];
      machine.sleep(pollMs);
    }
    return hasInterface(machine, name) ? removeLink(name, machine) : [];
  };
}

function removeLink(name: IfName, machine: Machine): readonly CniError[] {
  const failures = run({ place: 'host', tool: 'ip', operations: [{ kind: 'delete-link', name }] }, machine);
  // A link that went by itself meanwhile (its namespace was removed) is what was wanted.
  return hasInterface(machine, name) ? failures : [];
}

function removeContainerEnd({ netns, ifName }: Attachment, machine: Machine): readonly CniError[] {
  if (!isContainerNetns(netns, machine)) return [];
  return machine.inNetns(netns, () => (hasInterface(machine, ifName) ? removeLink(ifName, machine) : []));
}

function run(batch: ProcessBatch, machine: Machine): readonly CniError[] {
  if (batch.operations.length === 0) return [];
  const command = toCommand(batch);
  const failure = toFailure(batch, command, machine.run(command));
  return failure === undefined ? [] : [new CniError(ErrorCode.internal, failure.message, { cause: failure })];
}
