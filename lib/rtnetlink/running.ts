import {
  encodeAttribute,
  findAttribute,
  type NetlinkMessage,
  type NetlinkRequest,
} from '../netlink/message.ts';
import { toUint32 } from '../netlink/values.ts';
import { linkCommand, linkHeaderBytes, linkMessage } from './link-message.ts';

/** IFLA_OPERSTATE and IFLA_EXT_MASK of linux/if_link.h, and RTEXT_FILTER_SKIP_STATS. */
const attribute = { state: 16, filter: 29 } as const;
const withoutStatistics = 8;
/** IF_OPER_UP of linux/if.h (RFC 2863). */
const stateUp = 6;

/** Asks for the link of a number. */
export function linkRequest(index: number): NetlinkRequest {
  return linkMessage(
    linkCommand.get,
    { index },
    encodeAttribute(attribute.filter, toUint32(withoutStatistics)),
  );
}

/** Whether the link of an answer carries packets: it is up, and so is its peer. */
export function isRunning({ body }: Pick<NetlinkMessage, 'body'>): boolean {
  return findAttribute(body.subarray(linkHeaderBytes), attribute.state)?.[0] === stateUp;
}
