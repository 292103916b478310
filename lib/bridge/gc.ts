import { ownerAlias, ownerAliasPrefix } from '../attach/endpoint.ts';
import { removeLinks } from '../attach/remove-links.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import { ErrorCode } from '../errors/cni-error.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import { listLinks } from '../exec/observe.ts';
import type { Link } from '../iproute/parse.ts';
import type { BridgeParts } from './parts.ts';

/**
 * Removes what this network has of attachments that are not valid any more: leases, links, rules. Where the runtime does
 * not say which are valid, no link goes. Continues over failures and reports them together; but a configuration that IPAM
 * refuses is refused before anything is removed.
 */
export function gc(call: NetworkCall, { kind, machine, selectIpam }: BridgeParts): void {
  const {
    network: { network },
    ipamCall,
  } = kind.openRemoval(call);
  const stale = staleLinks(network, call, machine);
  const failures = runAll([{ doing: 'releasing leases', run: () => selectIpam(ipamCall)?.gc(ipamCall) }]);
  if (failures.every(({ code }) => code !== ErrorCode.invalidConfig))
    failures.push(...removeLinks(stale, machine));
  throwCollected(failures);
}

function staleLinks(network: string, { conf }: NetworkCall, machine: Machine): readonly Link[] {
  const attachments = parseValidAttachments(conf);
  if (attachments === undefined) return [];
  const valid = new Set(attachments.map((attachment) => ownerAlias(network, attachment)));
  return listLinks(machine, 'veth').filter(
    ({ alias }) => alias.startsWith(ownerAliasPrefix(network)) && !valid.has(alias),
  );
}
