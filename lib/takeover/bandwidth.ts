import { hasInterface, type Machine } from '../exec/machine.ts';
import { runBatch } from '../exec/tool.ts';
import { parseIfName } from '../net/ifname.ts';
import { type AttachmentNames, bandwidthInterface, bandwidthPrefix } from './names.ts';

/**
 * Removes the interface that the reference's `bandwidth` has led an attachment's traffic through.
 * @throws CniError
 */
export function releaseBandwidth(
  names: AttachmentNames,
  machine: Pick<Machine, 'run' | 'shortcut' | 'readProc'>,
): void {
  if (!hasAnyInterface(machine)) return;
  const name = parseIfName(bandwidthInterface(names));
  if (name === undefined || !hasInterface(machine, name)) return;
  runBatch({ place: 'host', tool: 'ip', operations: [{ kind: 'delete-link', name }] }, machine);
}

/** Asked first, because to compute a name costs 2 ms. */
function hasAnyInterface({ readProc }: Pick<Machine, 'readProc'>): boolean {
  return new RegExp(`^ *${bandwidthPrefix}[0-9a-f]+:`, 'm').test(readProc('/proc/net/dev') ?? '');
}
