import { type NetlinkMessage, type NetlinkRequest, netlinkFlag } from './message.ts';

/** A part of the kernel that netfilter's netlink messages are for. */
export type NetfilterPart = 'conntrack' | 'nftables';

const subsystems: Readonly<Record<NetfilterPart, number>> = { conntrack: 1, nftables: 10 };

/** A request of netfilter's: `struct nfgenmsg` (family, version, resource) and attributes. */
export function netfilterRequest(
  part: NetfilterPart,
  command: number,
  { flags, family, attributes }: { flags: number; family: number; attributes: readonly Uint8Array[] },
): NetlinkRequest {
  return {
    type: (subsystems[part] << 8) | command,
    flags: netlinkFlag.request | flags,
    body: Buffer.concat([Buffer.from([family, 0, 0, 0]), ...attributes]),
  };
}

/** Family and attributes of an answer of netfilter's. */
export function decodeNetfilter({ body }: Pick<NetlinkMessage, 'body'>): {
  readonly family: number;
  readonly attributes: Buffer;
} {
  return { family: body[0] ?? 0, attributes: body.subarray(4) };
}
