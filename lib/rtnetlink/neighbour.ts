import { encodeAttribute, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';
import { toMacOctets, toOctets } from '../netlink/values.ts';
import type { IpOperation } from '../plan/operation.ts';
import { familyNumber } from './family.ts';

/** RTM_NEWNEIGH and RTM_DELNEIGH of linux/rtnetlink.h. */
const command = { add: 28, delete: 29 } as const;
/** NDA_… and NUD_PERMANENT of linux/neighbour.h. */
const attribute = { address: 1, mac: 2 } as const;
const permanent = 0x80;

type NeighbourOperation = Extract<IpOperation, { kind: 'replace-neighbour' | 'delete-neighbour' }>;

/** Sets or removes the permanent neighbour of an address on the link of a number. */
export function encodeNeighbour(operation: NeighbourOperation, index: number): NetlinkRequest {
  const { kind, address, mac } = operation;
  const about = [header(operation, index), encodeAttribute(attribute.address, toOctets(address))];
  const flags = netlinkFlag.request | netlinkFlag.ack;
  if (kind === 'delete-neighbour') return { type: command.delete, flags, body: Buffer.concat(about) };
  return {
    type: command.add,
    flags: flags | netlinkFlag.create | netlinkFlag.replace,
    body: Buffer.concat([...about, encodeAttribute(attribute.mac, toMacOctets(mac))]),
  };
}

/** `struct ndmsg`. */
function header({ address }: NeighbourOperation, index: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt8(familyNumber[address.family], 0);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt16LE(permanent, 8);
  return bytes;
}
