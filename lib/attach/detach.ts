import type { Attachment } from '../cni/invocation.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Command } from '../exec/command.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { type ProcessBatch, toCommand, toFailure } from '../exec/tool.ts';
import { hostVethName } from '../net/ifname.ts';
import type { NftOperation } from '../nft/operation.ts';
import { isContainerNetns } from './netns.ts';

/**
 * Takes an attachment out of the kernel: its link and the elements of ours that name it. Where both are there, the
 * two processes run side by side, because the kernel makes each wait (about 10 ms) for its own grace period.
 * Succeeds where nothing is left.
 * @returns what failed: nothing where all is gone
 */
export async function detach(
  attachment: Attachment,
  elements: readonly NftOperation[],
  machine: Machine,
): Promise<readonly CniError[]> {
  const batches: ProcessBatch[] = [
    ...(elements.length > 0 ? [{ place: 'host', tool: 'nft', operations: elements } as const] : []),
    ...hostLink(attachment, machine),
  ];
  const failures = batches.length > 1 ? await runTogether(batches, machine) : runOne(batches[0], machine);
  // Only a link that the reference made has a host end that we do not know: it goes by its container end.
  return [...failures, ...removeContainerEnd(attachment, machine)];
}

function hostLink(attachment: Attachment, machine: Machine): ProcessBatch[] {
  const name = hostVethName(attachment.containerId, attachment.ifName);
  if (!hasInterface(machine, name)) return [];
  return [{ place: 'host', tool: 'ip', operations: [{ kind: 'delete-link', name }] }];
}

function removeContainerEnd({ netns, ifName }: Attachment, machine: Machine): readonly CniError[] {
  if (!isContainerNetns(netns, machine)) return [];
  return machine.inNetns(netns, () =>
    hasInterface(machine, ifName)
      ? runOne(
          { place: 'container', tool: 'ip', operations: [{ kind: 'delete-link', name: ifName }] },
          machine,
        )
      : [],
  );
}

async function runTogether(batches: readonly ProcessBatch[], machine: Machine): Promise<readonly CniError[]> {
  const ended = await Promise.all(
    batches.map(async (batch) => {
      const command = toCommand(batch);
      return judge(batch, command, await machine.start(command), machine);
    }),
  );
  return ended.flat();
}

function runOne(batch: ProcessBatch | undefined, machine: Machine): readonly CniError[] {
  if (batch === undefined) return [];
  const command = toCommand(batch);
  return judge(batch, command, machine.run(command), machine);
}

/** A link that went by itself in the meantime (its namespace was removed) is what was wanted. */
function judge(
  batch: ProcessBatch,
  command: Command,
  outcome: Parameters<typeof toFailure>[2],
  machine: Machine,
): CniError[] {
  const failure = toFailure(batch, command, outcome);
  if (failure === undefined) return [];
  const isLink = batch.tool === 'ip';
  if (
    isLink &&
    batch.operations.every(
      (operation) => operation.kind === 'delete-link' && !hasInterface(machine, operation.name),
    )
  ) {
    return [];
  }
  return [new CniError(ErrorCode.internal, failure.message, { cause: failure })];
}
