import { ownerAlias, ownerAliasPrefix } from '../../lib/attach/endpoint.ts';
import { removeLinks } from '../../lib/attach/remove-links.ts';
import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import { parseValidAttachments } from '../../lib/cni/netconf.ts';
import { toCniError } from '../../lib/errors/cni-error.ts';
import { throwCollected } from '../../lib/errors/collect.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { listLinks } from '../../lib/exec/observe.ts';
import { parseBridgeConfig } from './config.ts';

/**
 * Removes what this network has of attachments that are not valid any more: links, rules, leases. Goes on over
 * failures and reports them together.
 */
export async function gc(call: NetworkCall, machine: Machine, selectIpam: SelectIpam): Promise<void> {
  const { network } = parseBridgeConfig(call.conf);
  const valid = new Set(
    parseValidAttachments(call.conf).map((attachment) => ownerAlias(network, attachment)),
  );
  const stale = listLinks(machine, 'veth').filter(
    ({ alias }) => alias.startsWith(ownerAliasPrefix(network)) && !valid.has(alias),
  );
  const failures: unknown[] = [...removeLinks(stale, machine)];
  try {
    await selectIpam(call)?.gc(call);
  } catch (error) {
    failures.push(toCniError(error));
  }
  throwCollected(failures);
}
