import { Address4, Address6 } from 'ip-address';

export type Family = 4 | 6;

/** One IP address: its family and its value as an unsigned number of 32 or 128 bits. */
export type IpAddress = { readonly family: Family; readonly bits: bigint };

const mappedPrefix = 0xffffn;

/**
 * Undefined for anything but one bare address: no prefix length, no zone.
 * An IPv4-mapped IPv6 address is the IPv4 address, as the reference plugins take it.
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (/[/%]/.test(text)) return undefined;
  if (Address4.isValid(text)) return { family: 4, bits: new Address4(text).bigInt() };
  if (!Address6.isValid(text)) return undefined;
  const bits = new Address6(text).bigInt();
  return bits >> 32n === mappedPrefix ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits };
}

/** The canonical text: dotted decimal, or RFC 5952. */
export function formatAddress({ family, bits }: IpAddress): string {
  return (family === 4 ? Address4.fromBigInt(bits) : Address6.fromBigInt(bits)).correctForm();
}

/** The name under which DNS knows the address (RFC 1035, section 3.5; RFC 3596, section 2.5), without a dot at its end. */
export function reverseName({ family, bits }: IpAddress): string {
  const name =
    family === 4 ? Address4.fromBigInt(bits).reverseForm() : Address6.fromBigInt(bits).reverseForm();
  return name.replace(/\.$/, '');
}

/** A family as nft and the names of iptables have it. */
export type Protocol = 'ip' | 'ip6';

/** The word for a family in rules. */
export function protocolOf(family: Family): Protocol {
  return family === 4 ? 'ip' : 'ip6';
}

/** Length of an address in bits. */
export function widthOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

export function isSameAddress(one: IpAddress, other: IpAddress): boolean {
  return one.family === other.family && one.bits === other.bits;
}

/** Whether an IPv6 address is of fe80::/10, which every link has anew. */
export function isLinkLocal6({ family, bits }: IpAddress): boolean {
  return family === 6 && bits >> 118n === 0x3fan;
}

/** Whether an address is of 127.0.0.0/8 or ::1, which no other host reaches. */
export function isLoopback({ family, bits }: IpAddress): boolean {
  return family === 4 ? bits >> 24n === 127n : bits === 1n;
}

/** The address `distance` further; it may run out of the family's space, which the caller bounds. */
export function addressAfter({ family, bits }: IpAddress, distance = 1n): IpAddress {
  return { family, bits: bits + distance };
}
