import { encodeAttribute, type NetlinkRequest } from '../netlink/message.ts';
import type { IpOperation } from '../plan/operation.ts';
import { encodeLinkInfo, linkCommand, linkMessage } from './link-message.ts';

/** IFLA_BRPORT_… of linux/if_link.h. */
const portAttribute = { hairpin: 4, isolated: 33 } as const;

/** Sets flags of a bridge's port; one that is not asked for is left as it is, and with none `ip` sends no list of them. */
export function setPort(
  { hairpin, isolated }: Extract<IpOperation, { kind: 'set-port' }>,
  index: number,
): NetlinkRequest {
  const on = (type: number) => encodeAttribute(type, Buffer.from([1]));
  const flags = [
    ...(hairpin ? [on(portAttribute.hairpin)] : []),
    ...(isolated ? [on(portAttribute.isolated)] : []),
  ];
  const info = flags.length === 0 ? {} : { portData: Buffer.concat(flags) };
  return linkMessage(linkCommand.set, { index }, encodeLinkInfo('bridge_slave', info));
}
