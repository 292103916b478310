import { ownerAlias, ownerAliasPrefix } from '../../lib/attach/endpoint.ts';
import { removeLinks } from '../../lib/attach/remove-links.ts';
import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import { parseValidAttachments } from '../../lib/cni/netconf.ts';
import { ErrorCode } from '../../lib/errors/cni-error.ts';
import { runAll, throwCollected } from '../../lib/errors/collect.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { listLinks } from '../../lib/exec/observe.ts';
import type { Link } from '../../lib/iproute/parse.ts';
import { parseBridgeConfig } from './config.ts';

/**
 * Removes what this network has of attachments that are not valid any more: leases, links, rules. Where the runtime does
 * not say which are valid, no link goes. Continues over failures and reports them together; but a configuration that IPAM
 * refuses is refused before anything is removed.
 */
export function gc(call: NetworkCall, machine: Machine, selectIpam: SelectIpam): void {
  const { network } = parseBridgeConfig(call.conf);
  const stale = staleLinks(network, call, machine);
  const failures = runAll([{ doing: 'releasing leases', run: () => selectIpam(call)?.gc(call) }]);
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
