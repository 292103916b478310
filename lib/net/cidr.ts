import {
  addressAfter,
  type Family,
  formatAddress,
  type IpAddress,
  parseAddress,
  widthOf,
} from './address.ts';

/** An address with the length of its network's prefix; the address may have host bits ("10.1.0.2/24"). */
export type Cidr = { readonly address: IpAddress; readonly prefixLength: number };

/** Undefined for anything but `<address>/<prefix length>`. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined;
  const prefixLength = Number(digits);
  return prefixLength <= widthOf(address.family) ? { address, prefixLength } : undefined;
}

export function formatCidr({ address, prefixLength }: Cidr): string {
  return `${formatAddress(address)}/${prefixLength}`;
}

/** The address with a prefix of its whole width: /32 or /128. */
export function asHost(address: IpAddress): Cidr {
  return { address, prefixLength: widthOf(address.family) };
}

/** The network's own address: all host bits zero. */
export function networkAddress({ address, prefixLength }: Cidr): IpAddress {
  const hostBits = hostBitsOf(address.family, prefixLength);
  return { family: address.family, bits: (address.bits >> hostBits) << hostBits };
}

/** The network in which the address lies, without host bits. */
export function networkOf(cidr: Cidr): Cidr {
  return { address: networkAddress(cidr), prefixLength: cidr.prefixLength };
}

/** The address with all host bits set: IPv4's broadcast address. */
export function lastAddress(cidr: Cidr): IpAddress {
  const hostBits = hostBitsOf(cidr.address.family, cidr.prefixLength);
  return addressAfter(networkAddress(cidr), (1n << hostBits) - 1n);
}

export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  const hostBits = hostBitsOf(cidr.address.family, cidr.prefixLength);
  return cidr.address.family === address.family && cidr.address.bits >> hostBits === address.bits >> hostBits;
}

/** Whether the networks have an address in common: then one of them has all of the other. */
export function cidrsOverlap(one: Cidr, other: Cidr): boolean {
  return cidrContains(one, other.address) || cidrContains(other, one.address);
}

/** Whether all of a network lies in another one. */
export function isWithin(inner: Cidr, outer: Cidr): boolean {
  return inner.prefixLength >= outer.prefixLength && cidrContains(outer, inner.address);
}

/** Every address of the family: 0.0.0.0/0 or ::/0. */
export function everyAddress(family: Family): Cidr {
  return { address: { family, bits: 0n }, prefixLength: 0 };
}

function hostBitsOf(family: Family, prefixLength: number): bigint {
  return BigInt(widthOf(family) - prefixLength);
}
