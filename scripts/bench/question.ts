// DNS as far as the bench asks: written anew, so that a mistake in lib/dns is not made twice and thereby passed over.

/** What is to be asked of the DNS server on a host's loopback: the IPv4 addresses of these names. */
export type Questions = { readonly port: number; readonly names: readonly string[] };

/** What a name led to. */
export type Resolution = {
  /** The response code (RFC 1035, section 4.1.1); undefined where no answer came in time. */
  readonly rcode: number | undefined;
  readonly addresses: readonly string[];
};

/** Nobody has answered. */
export const unanswered: Resolution = { rcode: undefined, addresses: [] };

const noError = 0;
const nxDomain = 3;

/** Whether this address, and no other, was the answer. */
export function leadsTo({ rcode, addresses }: Resolution, address: string | undefined): boolean {
  return rcode === noError && addresses.length === 1 && addresses[0] === address;
}

/** Whether the answer was that there is nothing. */
export function leadsNowhere({ rcode, addresses }: Resolution): boolean {
  return (rcode === noError || rcode === nxDomain) && addresses.length === 0;
}

const headerLength = 12;
const typeA = 1;
const classIn = 1;

/** A query for the A records of a name of ours, which has no dot at its end. */
export function encodeQuery(name: string, id: number): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(1, 4);
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, typeA, 0, classIn])]);
}

/** Reads the answer to a query of ours: it has its question. */
export function decodeAnswer(message: Buffer): Resolution {
  const count = message.readUInt16BE(6);
  const addresses: string[] = [];
  let at = afterName(message, headerLength) + 4;
  for (let read = 0; read < count; read++) {
    const data = afterName(message, at) + 10;
    at = data + message.readUInt16BE(data - 2);
    if (message.readUInt16BE(data - 10) === typeA) addresses.push(message.subarray(data, at).join('.'));
  }
  return { rcode: message.readUInt8(3) & 0x0f, addresses };
}

/** A pointer (RFC 1035, section 4.1.4) ends a name, and so does the root. */
function afterName(message: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    at += length + 1;
    if (length === 0) return at;
  }
}
