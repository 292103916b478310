import { isLoopback } from '../net/address.ts';
import { lastAddress } from '../net/cidr.ts';
import { encodeAttribute, type NetlinkRequest, netlinkFlag } from '../netlink/message.ts';
import { toOctets, toUint32 } from '../netlink/values.ts';
import type { IpOperation } from '../plan/operation.ts';
import { familyNumber, scopeNumber } from './family.ts';

/** RTM_NEWADDR and RTM_DELADDR of linux/rtnetlink.h. */
const command = { add: 20, delete: 21 } as const;
/** IFA_… and IFA_F_… of linux/if_addr.h. */
const attribute = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
const addressFlag = { noDuplicateDetection: 0x02, noPrefixRoute: 0x200 } as const;
/** What fits into the header's own field. */
const largestHeaderFlags = 0xff;

type AddressOperation = Extract<IpOperation, { kind: 'add-address' | 'delete-address' }>;

/** Gives the link of a number an address, which may be there already, or takes it away. */
export function encodeAddress(operation: AddressOperation, index: number): NetlinkRequest {
  return operation.kind === 'add-address' ? addAddress(operation, index) : deleteAddress(operation, index);
}

function addAddress(operation: AddressOperation, index: number): NetlinkRequest {
  const { address } = operation.address;
  const flags = flagsOf(operation);
  const isLong = flags > largestHeaderFlags;
  return {
    type: command.add,
    flags: netlinkFlag.request | netlinkFlag.ack | netlinkFlag.create | netlinkFlag.replace,
    body: Buffer.concat([
      header(operation, { index, flags: isLong ? 0 : flags, scope: scopeOf(operation) }),
      encodeAttribute(attribute.local, toOctets(address)),
      ...(isLong ? [encodeAttribute(attribute.flags, toUint32(flags))] : []),
      encodeAttribute(attribute.address, toOctets(address)),
      ...broadcast(operation),
    ]),
  };
}

function deleteAddress(operation: AddressOperation, index: number): NetlinkRequest {
  const octets = toOctets(operation.address.address);
  return {
    type: command.delete,
    flags: netlinkFlag.request | netlinkFlag.ack,
    body: Buffer.concat([
      header(operation, { index, flags: 0, scope: scopeNumber.universe }),
      encodeAttribute(attribute.local, octets),
      encodeAttribute(attribute.address, octets),
    ]),
  };
}

/** `struct ifaddrmsg`. */
function header(
  { address: { address, prefixLength } }: AddressOperation,
  { index, flags, scope }: { index: number; flags: number; scope: number },
): Buffer {
  const bytes = Buffer.from([familyNumber[address.family], prefixLength, flags, scope, 0, 0, 0, 0]);
  bytes.writeUInt32LE(index, 4);
  return bytes;
}

function flagsOf({ address: { address }, detectDuplicates, prefixRoute }: AddressOperation): number {
  const isUnchecked = address.family === 6 && !detectDuplicates;
  return (
    (isUnchecked ? addressFlag.noDuplicateDetection : 0) |
    (prefixRoute === 'none' ? addressFlag.noPrefixRoute : 0)
  );
}

/** `ip` takes an IPv4 address of 127.0.0.0/8 for the host's own. */
function scopeOf({ address: { address }, scope }: AddressOperation): number {
  const isOwn = scope === 'host' || (address.family === 4 && isLoopback(address));
  return isOwn ? scopeNumber.host : scopeNumber.universe;
}

/** None of a network that has no address to spare for it. */
function broadcast({ address }: AddressOperation): readonly Buffer[] {
  if (address.address.family === 6 || address.prefixLength > 30) return [];
  return [encodeAttribute(attribute.broadcast, toOctets(lastAddress(address)))];
}
