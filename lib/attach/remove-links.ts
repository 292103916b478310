import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { observeTable } from '../exec/observe.ts';
import { type ProcessBatch, toCommand, toFailure } from '../exec/tool.ts';
import { parseIfName } from '../net/ifname.ts';
import { bridgeTable, planRemoval } from '../spoofcheck/spoofcheck.ts';

/**
 * Removes host ends of veth pairs, and the spoof check's elements of every port that is not there (any more).
 * @returns what failed
 */
export function removeLinks(
  links: readonly { readonly name: string }[],
  machine: Machine,
): readonly CniError[] {
  const names = links.map(({ name }) => parseIfName(name)).filter((name) => name !== undefined);
  const failures = run(
    { place: 'host', tool: 'ip', operations: names.map((name) => ({ kind: 'delete-link', name })) },
    machine,
  );
  const elements = planRemoval(observeTable(machine, bridgeTable), (port) => !hasInterface(machine, port));
  return [
    // A link whose namespace was removed meanwhile is gone all the same.
    ...(names.some((name) => hasInterface(machine, name)) ? failures : []),
    ...run({ place: 'host', tool: 'nft', operations: elements }, machine),
  ];
}

function run(batch: ProcessBatch, machine: Machine): readonly CniError[] {
  if (batch.operations.length === 0) return [];
  const command = toCommand(batch, true);
  const failure = toFailure(batch, command, machine.run(command));
  return failure === undefined ? [] : [new CniError(ErrorCode.internal, failure.message, { cause: failure })];
}
