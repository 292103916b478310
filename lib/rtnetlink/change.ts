import { encodeAttribute, type NetlinkRequest } from '../netlink/message.ts';
import { toMacOctets, toUint32 } from '../netlink/values.ts';
import type { IpOperation } from '../plan/operation.ts';
import { type LinkHeader, linkAttribute, linkCommand, linkMessage } from './link-message.ts';

/** What is changed of a link without a look at another one. */
export type LinkChange = Extract<
  IpOperation,
  {
    kind:
      | 'set-mac'
      | 'set-mtu'
      | 'set-alias'
      | 'unset-master'
      | 'set-up'
      | 'set-promiscuous'
      | 'unset-promiscuous'
      | 'set-allmulticast'
      | 'unset-allmulticast'
      | 'set-tx-queue-length';
  }
>;

/** IFF_… of linux/if.h. */
const linkFlag = { up: 0x1, promiscuous: 0x100, allmulticast: 0x200 } as const;

/** Changes one thing of the link of a number. */
export function changeLink(change: LinkChange, index: number): NetlinkRequest {
  switch (change.kind) {
    case 'set-mac':
      return withAttribute(index, linkAttribute.mac, toMacOctets(change.mac));
    case 'set-mtu':
      return withAttribute(index, linkAttribute.mtu, toUint32(change.mtu));
    case 'set-alias':
      return withAttribute(index, linkAttribute.alias, Buffer.from(change.alias));
    case 'unset-master':
      return setMaster(0, index);
    case 'set-tx-queue-length':
      return withAttribute(index, linkAttribute.txQueueLength, toUint32(change.length));
    case 'set-up':
      return withFlags({ index, flags: linkFlag.up, mask: linkFlag.up });
    case 'set-promiscuous':
      return withFlags({ index, flags: linkFlag.promiscuous, mask: linkFlag.promiscuous });
    case 'unset-promiscuous':
      return withFlags({ index, mask: linkFlag.promiscuous });
    case 'set-allmulticast':
      return withFlags({ index, flags: linkFlag.allmulticast, mask: linkFlag.allmulticast });
    case 'unset-allmulticast':
      return withFlags({ index, mask: linkFlag.allmulticast });
  }
}

/** Makes the link of a number a port of a bridge, or of none where the bridge's number is 0. */
export function setMaster(master: number, index: number): NetlinkRequest {
  return withAttribute(index, linkAttribute.master, toUint32(master));
}

function withAttribute(index: number, type: number, value: Buffer): NetlinkRequest {
  return linkMessage(linkCommand.set, { index }, encodeAttribute(type, value));
}

function withFlags(header: LinkHeader): NetlinkRequest {
  return linkMessage(linkCommand.set, header);
}
