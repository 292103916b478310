import type { IpAddress } from '../net/address.ts';
import type { Mac } from '../net/mac.ts';

/** The octets of an address, in network order. */
export function toOctets({ family, bits }: IpAddress): Buffer {
  return Buffer.from(bits.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

/** The six octets of a MAC. */
export function toMacOctets(mac: Mac): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

/** A number of 32 bits, in the processor's order. */
export function toUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

/** A text with the zero that ends it. */
export function toTerminated(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}
