import { hasInterface, type Machine } from '../exec/machine.ts';
import { runBatch } from '../exec/tool.ts';
import { parseIfName } from '../net/ifname.ts';

/**
 * Removes links, in one process, which goes on over one that has gone by itself with its namespace, or by another call.
 * @throws CniError where one of them stays
 */
export function removeLinks(links: readonly { readonly name: string }[], machine: Machine): void {
  const names = links.map(({ name }) => parseIfName(name)).filter((name) => name !== undefined);
  const operations = names.map((name) => ({ kind: 'delete-link', name }) as const);
  try {
    runBatch({ place: 'host', tool: 'ip', operations }, machine, true);
  } catch (error) {
    if (names.some((name) => hasInterface(machine, name))) throw error;
  }
}
