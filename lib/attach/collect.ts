import type { NetworkCall } from '../cni/dispatch.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import { ErrorCode } from '../errors/cni-error.ts';
import { runAll, throwCollected } from '../errors/collect.ts';
import { collectRules } from '../rules/collect-rules.ts';
import type { AttachParts } from './parts.ts';
import { removeLinks } from './remove-links.ts';
import { staleLinks } from './stale-links.ts';

/**
 * Removes what a network has of attachments that are not valid any more: leases, links, rules. Where the runtime does
 * not say which are valid, no link goes. Continues over failures and reports them together; but a configuration that IPAM
 * refuses is refused before anything is removed.
 * @param ipamCall the call as IPAM is given it
 * @param plugin the name of the plugin whose network it is
 */
export function collect(ipamCall: NetworkCall, plugin: string, parts: AttachParts): void {
  const { selectIpam, machine, capabilities } = parts;
  const attachments = parseValidAttachments(ipamCall.conf);
  const stale = staleLinks(ipamCall, 'veth', machine);
  const failures = runAll([{ doing: 'releasing leases', run: () => selectIpam(ipamCall)?.gc(ipamCall) }]);
  if (failures.some(({ code }) => code === ErrorCode.invalidConfig)) throwCollected(failures);
  const others = runAll([
    { doing: 'removing links', run: () => removeLinks(stale, machine) },
    { doing: 'removing rules', run: () => collectRules({ call: ipamCall, plugin, attachments }, parts) },
    ...capabilities.map(({ name, collect: collectIts }) => ({
      doing: `removing what ${name} has made`,
      run: () => collectIts(ipamCall, machine),
    })),
  ]);
  throwCollected([...failures, ...others]);
}
