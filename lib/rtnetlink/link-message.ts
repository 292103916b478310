import { encodeAttribute, encodeUnmarkedNest, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';

/** RTM_NEWLINK, which changes a link, too, RTM_DELLINK and RTM_GETLINK of linux/rtnetlink.h. */
export const linkCommand = { set: 16, delete: 17, get: 18 } as const;

/** IFLA_… of linux/if_link.h. */
export const linkAttribute = {
  mac: 1,
  name: 3,
  mtu: 4,
  master: 10,
  txQueueLength: 13,
  info: 18,
  alias: 20,
  group: 27,
  netnsFd: 28,
} as const;

const infoAttribute = { kind: 1, data: 2, portData: 5 } as const;

/** What a link header says: which link, and which of its flags are to be what. */
export type LinkHeader = { readonly index: number; readonly flags?: number; readonly mask?: number };

/** Length of `struct ifinfomsg`. */
export const linkHeaderBytes = 16;

/** `struct ifinfomsg`. */
export function encodeLinkHeader({ index, flags = 0, mask = 0 }: LinkHeader): Buffer {
  const header = Buffer.alloc(linkHeaderBytes);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(mask, 12);
  return header;
}

/** A message about a link that is there. */
export function linkMessage(
  type: number,
  header: LinkHeader,
  ...attributes: readonly Buffer[]
): NetlinkRequest {
  return {
    type,
    flags: netlinkFlag.request | netlinkFlag.ack,
    body: Buffer.concat([encodeLinkHeader(header), ...attributes]),
  };
}

/** What a link is of its kind (`type veth`, …), or as a port of another one. */
export function encodeLinkInfo(
  kind: string,
  { data, portData }: { readonly data?: Buffer; readonly portData?: Buffer } = {},
): Buffer {
  return encodeUnmarkedNest(
    linkAttribute.info,
    encodeAttribute(infoAttribute.kind, Buffer.from(kind)),
    ...(data === undefined ? [] : [encodeAttribute(infoAttribute.data, data)]),
    ...(portData === undefined ? [] : [encodeAttribute(infoAttribute.portData, portData)]),
  );
}
