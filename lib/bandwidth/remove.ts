import { ownerAlias, ownerAliasPrefix } from '../attach/endpoint.ts';
import { removeLinks } from '../attach/remove-links.ts';
import type { AttachmentCall, NetworkCall } from '../cni/dispatch.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import { inquire, outputOf } from '../exec/inquiry.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { parseLinks } from '../iproute/parse.ts';
import { deviceName } from './shaping.ts';

/**
 * Removes an attachment's device; all else of its limits goes with the host's end. Costs no process where it has none.
 * @throws CniError
 */
export function removeDevice({ attachment }: AttachmentCall, machine: Machine): void {
  const name = deviceName(attachment);
  if (hasInterface(machine, name)) removeLinks([{ name }], machine);
}

/**
 * Removes the devices of a network's attachments that are not valid any more; none where the runtime does not say which are.
 * @throws CniError
 */
export function removeStaleDevices({ conf }: NetworkCall, machine: Machine): void {
  const attachments = parseValidAttachments(conf);
  if (attachments === undefined) return;
  const valid = new Set(attachments.map((attachment) => ownerAlias(conf.name, attachment)));
  const links = parseLinks(inquire(outputOf('ip', ['-j', '-d', 'link', 'show', 'type', 'ifb']), machine.run));
  const stale = links.filter(
    ({ alias }) => alias.startsWith(ownerAliasPrefix(conf.name)) && !valid.has(alias),
  );
  removeLinks(stale, machine);
}
