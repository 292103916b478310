import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { hostVethName, type IfName, parseIfName } from '../net/ifname.ts';

/** The host end that an ADD of ours gives the attachment. */
export function ownHostEnd({ attachment }: AttachmentCall): IfName {
  return hostVethName(attachment.containerId, attachment.ifName);
}

/** The host end as the previous result names it: that of an attachment of the reference has a name drawn at random. */
export function statedHostEnd(call: AttachmentCall, { interfaces }: Result, bridge?: IfName): IfName {
  const ends = interfaces.filter(
    ({ name, sandbox }) => (sandbox ?? '') === '' && name !== bridge && name.startsWith('veth'),
  );
  const own = ownHostEnd(call);
  return ends.length === 0 || ends.some(({ name }) => name === own)
    ? own
    : (parseIfName(ends[0]?.name ?? '') ?? own);
}
