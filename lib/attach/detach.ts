import type { Attachment } from '../cni/invocation.ts';
import type { CniError } from '../errors/cni-error.ts';
import { type CleanupStep, runAll } from '../errors/collect.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { runBatch } from '../exec/tool.ts';
import { hostVethName, type IfName } from '../net/ifname.ts';
import { isContainerNetns } from './netns.ts';

/**
 * Takes an attachment out of the kernel: its link, and what is not of its link (rules). Succeeds where nothing is
 * left of it.
 * @param others what else is to go; the link goes even if it fails
 * @returns what failed: nothing where all is gone
 */
export function detach(
  attachment: Attachment,
  others: readonly CleanupStep[],
  machine: Machine,
): readonly CniError[] {
  const name = hostVethName(attachment.containerId, attachment.ifName);
  const hadHostEnd = hasInterface(machine, name);
  const awaitRemoval = hadHostEnd ? startRemoval(name, machine) : () => undefined;
  return runAll([
    ...others,
    { doing: 'removing the link', run: awaitRemoval },
    // Only a link that the reference made has a host end that we do not know: it goes by its container end.
    {
      doing: 'removing the link',
      run: () => (hadHostEnd ? undefined : removeContainerEnd(attachment, machine)),
    },
  ]);
}

/** Whether a link of the attachment is still there. */
export function isAttached({ containerId, ifName, netns }: Attachment, machine: Machine): boolean {
  if (hasInterface(machine, hostVethName(containerId, ifName))) return true;
  return isContainerNetns(netns, machine) && machine.inNetns(netns, () => hasInterface(machine, ifName));
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
function startRemoval(name: IfName, machine: Machine): () => void {
  const removal =
    machine.shortcut.startRemoval(name) ??
    machine.startDetached({ file: 'ip', args: ['link', 'del', 'dev', name] });
  return () => {
    for (let waitedMs = 0; waitedMs < patienceMs && !removal.hasEnded(); waitedMs += pollMs) {
      if (!hasInterface(machine, name)) return;
      machine.sleep(pollMs);
    }
    if (hasInterface(machine, name)) removeLink(name, machine);
  };
}

function removeLink(name: IfName, machine: Machine): void {
  try {
    runBatch({ place: 'host', tool: 'ip', operations: [{ kind: 'delete-link', name }] }, machine);
  } catch (error) {
    // A link that went by itself meanwhile (its namespace was removed) is what was wanted.
    if (hasInterface(machine, name)) throw error;
  }
}

function removeContainerEnd({ netns, ifName }: Attachment, machine: Machine): void {
  if (!isContainerNetns(netns, machine)) return;
  machine.inNetns(netns, () => {
    if (hasInterface(machine, ifName)) removeLink(ifName, machine);
  });
}
