import type { NetworkCall } from '../cni/dispatch.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import type { Machine } from '../exec/machine.ts';
import { listLinks } from '../exec/observe.ts';
import type { Link } from '../iproute/parse.ts';
import { ownerAlias, ownerAliasPrefix } from './endpoint.ts';

/**
 * The links of a network's attachments that are not valid any more; none where the runtime does not say which are.
 * @throws CniError
 */
export function staleLinks({ conf }: NetworkCall, kind: 'veth' | 'ifb', machine: Machine): readonly Link[] {
  const attachments = parseValidAttachments(conf);
  if (attachments === undefined) return [];
  const valid = new Set(attachments.map((attachment) => ownerAlias(conf.name, attachment)));
  return listLinks(machine, kind).filter(
    ({ alias }) => alias.startsWith(ownerAliasPrefix(conf.name)) && !valid.has(alias),
  );
}
