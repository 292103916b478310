import { type Family, parseAddress } from '../net/address.ts';
import { toOctets } from '../netlink/values.ts';

/** The longest name of an interface, and the room that the kernel gives one. */
const nameBytes = 15;
const nameRoom = 16;

const protocolNumbers: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['sctp', 132],
]);

/** How one part of a key or value is written in the kernel, by its data type; undefined for a text that is none of that type. */
const encoders: ReadonlyMap<string, (text: string) => Buffer | undefined> = new Map([
  ['ifname', encodeName],
  ['ether_addr', encodeMac],
  ['ipv4_addr', (text) => encodeAddress(text, 4)],
  ['ipv6_addr', (text) => encodeAddress(text, 6)],
  ['inet_proto', encodeProtocol],
  ['inet_service', encodePort],
]);

/**
 * A key or value as the kernel compares it: each part of several begins at a multiple of four bytes.
 * @returns undefined where it is none of those types, or a type is none of ours
 */
export function encodeParts(parts: readonly string[], types: readonly string[]): Buffer | undefined {
  if (parts.length !== types.length) return undefined;
  const encoded: Buffer[] = [];
  for (const [at, part] of parts.entries()) {
    const bytes = encoders.get(types[at] ?? '')?.(part);
    if (bytes === undefined) return undefined;
    encoded.push(parts.length === 1 ? bytes : toRoom(bytes, Math.ceil(bytes.length / 4) * 4));
  }
  return Buffer.concat(encoded);
}

/** In quotes, as nft's scripts have it. What nft would read as a beginning of names, or as an escape, is left to it. */
function encodeName(text: string): Buffer | undefined {
  const [, name] = /^"([\x21-\x7e]+)"$/.exec(text) ?? [];
  if (name === undefined || name.length > nameBytes || /["*\\]/.test(name)) return undefined;
  return toRoom(Buffer.from(name), nameRoom);
}

function encodeMac(text: string): Buffer | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text)) return undefined;
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function encodeAddress(text: string, family: Family): Buffer | undefined {
  const address = parseAddress(text);
  return address?.family === family ? toOctets(address) : undefined;
}

function encodeProtocol(text: string): Buffer | undefined {
  const number = protocolNumbers.get(text);
  return number === undefined ? undefined : Buffer.from([number]);
}

function encodePort(text: string): Buffer | undefined {
  if (!/^[1-9][0-9]{0,4}$/.test(text) || Number(text) > 65_535) return undefined;
  const port = Number(text);
  return Buffer.from([port >> 8, port & 0xff]);
}

function toRoom(bytes: Buffer, room: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(room - bytes.length)]);
}
