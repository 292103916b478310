import type { NetworkCall } from '../cni/dispatch.ts';
import type { SelectIpam } from '../cni/ipam.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import { ErrorCode } from '../errors/cni-error.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import { listLinks } from '../exec/observe.ts';
import type { Link } from '../iproute/parse.ts';
import { ownerAlias, ownerAliasPrefix } from './endpoint.ts';
import { removeLinks } from './remove-links.ts';

/**
 * Removes what a network has of attachments that are not valid any more: leases, links, rules. Where the runtime does
 * not say which are valid, no link goes. Continues over failures and reports them together; but a configuration that IPAM
 * refuses is refused before anything is removed.
 * @param ipamCall the call as IPAM is given it
 */
export function collect(selectIpam: SelectIpam, ipamCall: NetworkCall, machine: Machine): void {
  const stale = staleLinks(ipamCall, machine);
  const failures = runAll([{ doing: 'releasing leases', run: () => selectIpam(ipamCall)?.gc(ipamCall) }]);
  if (failures.every(({ code }) => code !== ErrorCode.invalidConfig))
    failures.push(...removeLinks(stale, machine));
  throwCollected(failures);
}

function staleLinks({ conf }: NetworkCall, machine: Machine): readonly Link[] {
  const attachments = parseValidAttachments(conf);
  if (attachments === undefined) return [];
  const valid = new Set(attachments.map((attachment) => ownerAlias(conf.name, attachment)));
  return listLinks(machine, 'veth').filter(
    ({ alias }) => alias.startsWith(ownerAliasPrefix(conf.name)) && !valid.has(alias),
  );
}
