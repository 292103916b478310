import { addressAfter, type Family, type IpAddress, widthOf } from '../../net/address.ts';
import { type Cidr, networkAddress } from '../../net/cidr.ts';

/** The prefix lengths that blocks may have: none has more than 4096 addresses, so they can be looked at one by one. */
export const blockLengths: Readonly<Record<Family, { readonly min: number; readonly max: number }>> = {
  4: { min: 20, max: 32 },
  6: { min: 116, max: 128 },
};

/** What a pool's blocks have where nothing is said: 64 addresses. */
export const defaultBlockLength: Readonly<Record<Family, number>> = { 4: 26, 6: 122 };

/** How many addresses a block has; all of them are leased, for there is no link that the first and the last would belong to. */
export function sizeOf({ address, prefixLength }: Cidr): number {
  return 2 ** (widthOf(address.family) - prefixLength);
}

/** The address of a number within a block; the first has number 0. */
export function addressAt(block: Cidr, number: number): IpAddress {
  return addressAfter(networkAddress(block), BigInt(number));
}
