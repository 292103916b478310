/**
 * Netlink's format (RFC 3549, section 2.3; linux/netlink.h): messages of a header and attributes, both padded to four
 * bytes. Numbers are in the processor's order, and the executables are built for little-endian ones only.
 */
export type NetlinkMessage = {
  readonly type: number;
  readonly flags: number;
  /** What an answer has in common with its request. */
  readonly sequence: number;
  readonly body: Buffer;
};

/** A message before it has its place in a conversation. */
export type NetlinkRequest = Omit<NetlinkMessage, 'sequence'>;

/** NLM_F_REQUEST, _ACK, _DUMP, and of what makes something _REPLACE, _EXCL and _CREATE. */
export const netlinkFlag = {
  request: 1,
  ack: 4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

const headerBytes = 16;
const attributeHeaderBytes = 4;
const errorType = 2;
const doneType = 3;
/** NLA_F_NESTED, and with NLA_F_NET_BYTEORDER all that is no part of an attribute's number. */
const nestedFlag = 0x8000;
const attributeNumberMask = 0x3fff;

/** A message with its header, padded. */
export function encodeMessage({ type, flags, sequence, body }: NetlinkMessage): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  return padded(Buffer.concat([header, body]));
}

/** The messages of one datagram, which share its memory; one that is cut off, and what follows it, is left out. */
export function decodeMessages(datagram: Buffer): readonly NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + headerBytes <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < headerBytes || at + length > datagram.length) break;
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + headerBytes, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The error number with which a message ends its request, 0 after success; undefined for one that does not end it. */
export function endOf({ type, body }: NetlinkMessage): number | undefined {
  if (type !== errorType && type !== doneType) return undefined;
  return body.length < 4 ? 0 : Math.abs(body.readInt32LE(0));
}

/** One attribute with its padding. */
export function encodeAttribute(type: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(attributeHeaderBytes);
  header.writeUInt16LE(attributeHeaderBytes + payload.length, 0);
  header.writeUInt16LE(type, 2);
  return padded(Buffer.concat([header, payload]));
}

/** An attribute that consists of attributes. */
export function encodeNest(type: number, ...attributes: readonly Uint8Array[]): Buffer {
  return encodeAttribute(type | nestedFlag, Buffer.concat(attributes));
}

/** The same without a mark that it does: rtnetlink's older messages have none, and `ip` sends none. */
export function encodeUnmarkedNest(type: number, ...attributes: readonly Uint8Array[]): Buffer {
  return encodeAttribute(type, Buffer.concat(attributes));
}

/**
 * The payload of the first attribute of a number, which shares the memory of what is given; undefined where there is none,
 * or it is cut off. Nothing is built on the way, because a table may have a hundred thousand entries.
 */
export function findAttribute(bytes: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at + attributeHeaderBytes <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < attributeHeaderBytes || at + length > bytes.length) return undefined;
    const type = bytes.readUInt16LE(at + 2) & attributeNumberMask;
    if (type === wanted) return bytes.subarray(at + attributeHeaderBytes, at + length);
    at += aligned(length);
  }
  return undefined;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

function padded(bytes: Buffer): Buffer {
  const missing = aligned(bytes.length) - bytes.length;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
