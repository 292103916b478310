import type { CniError } from '../errors/cni-error.ts';
import { runAll } from '../errors/collect.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { observeTable } from '../exec/observe.ts';
import { runBatch } from '../exec/tool.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';
import type { NftOperation } from '../nft/operation.ts';
import { bridgeTable } from '../rules/tables.ts';
import { planRemoval } from '../spoofcheck/spoofcheck.ts';

/**
 * Removes host ends of veth pairs, and the spoof check's elements of every port that is not there (any more).
 * @returns what failed
 */
export function removeLinks(
  links: readonly { readonly name: string }[],
  machine: Machine,
): readonly CniError[] {
  const names = links.map(({ name }) => parseIfName(name)).filter((name) => name !== undefined);
  return runAll([
    { doing: 'removing links', run: () => removeAll(names, machine) },
    { doing: 'removing rules', run: () => removeElements(() => elementsOfNobody(machine), machine) },
  ]);
}

/** One process for all, which goes on over a link that has gone by itself with its namespace. */
function removeAll(names: readonly IfName[], machine: Machine): void {
  const operations = names.map((name) => ({ kind: 'delete-link', name }) as const);
  try {
    runBatch({ place: 'host', tool: 'ip', operations }, machine, true);
  } catch (error) {
    if (names.some((name) => hasInterface(machine, name))) throw error;
  }
}

/** One transaction; should another DEL or GC have been quicker with a part of it, what is left is looked up again. */
function removeElements(findElements: () => readonly NftOperation[], machine: Machine): void {
  const remove = () => runBatch({ place: 'host', tool: 'nft', operations: findElements() }, machine);
  try {
    remove();
  } catch {
    remove();
  }
}

function elementsOfNobody(machine: Machine): readonly NftOperation[] {
  return planRemoval(observeTable(machine, bridgeTable), (port) => !hasInterface(machine, port));
}
