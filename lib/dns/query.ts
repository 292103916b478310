import { hasCapitals, type Labels, readName } from './name.ts';
import { type ReadRecord, readRecord } from './record.ts';
import {
  dnssecOk,
  ednsUdpLimit,
  Flag,
  HeaderOffset,
  hasFlag,
  headerLength,
  longestQuery,
  plainUdpLimit,
  Rcode,
  RecordType,
} from './wire.ts';

/** What is asked (RFC 1035, section 4.1.2). */
export type Question = { readonly labels: Labels; readonly type: number; readonly class: number };

/** What the asker says of itself in an OPT record (RFC 6891, section 6.1). */
export type Edns = {
  /** Octets that it takes over UDP. */
  readonly udpLimit: number;
  readonly version: number;
  readonly dnssecOk: boolean;
};

export type Query = {
  readonly kind: 'query';
  readonly packet: Buffer;
  readonly question: Question;
  /** The offset in the packet after the question, which begins after the header. */
  readonly questionEnd: number;
  readonly edns: Edns | undefined;
};

/** A packet that is answered with nothing but a header. */
export type QueryProblem = { readonly kind: 'problem'; readonly rcode: number };

/**
 * Undefined for what is not to be answered at all: less than a header, and responses, to which an answer could go back
 * and forth for ever.
 */
export function parseQuery(packet: Buffer): Query | QueryProblem | undefined {
  if (packet.length < headerLength || hasFlag(packet, Flag.response)) return undefined;
  if (packet.length > longestQuery) return { kind: 'problem', rcode: Rcode.formErr };
  if (hasFlag(packet, Flag.opcode)) return { kind: 'problem', rcode: Rcode.notImp };
  return parseStandardQuery(packet) ?? { kind: 'problem', rcode: Rcode.formErr };
}

function parseStandardQuery(packet: Buffer): Query | undefined {
  const read = readQuestion(packet);
  if (read === undefined) return undefined;
  const records = readRecords(packet, read.end);
  const [opt, second] = records?.filter(({ type }) => type === RecordType.OPT) ?? [];
  const isBad = records === undefined || second !== undefined || (opt !== undefined && opt.labels.length > 0);
  if (isBad) return undefined;
  const edns = opt === undefined ? undefined : toEdns(opt);
  return { kind: 'query', packet, question: read.question, questionEnd: read.end, edns };
}

/** The one question of a message, and the offset after it; undefined where there is another number of them. */
export function readQuestion(
  packet: Buffer,
): { readonly question: Question; readonly end: number } | undefined {
  if (packet.length < headerLength || packet.readUInt16BE(HeaderOffset.questions) !== 1) return undefined;
  const name = readName(packet, headerLength);
  if (name === undefined || name.end + 4 > packet.length) return undefined;
  const question = {
    labels: name.labels,
    type: packet.readUInt16BE(name.end),
    class: packet.readUInt16BE(name.end + 2),
  };
  return { question, end: name.end + 4 };
}

/** All records after the question; undefined unless they are as many as the header says, and nothing follows. */
export function readRecords(packet: Buffer, start: number): readonly ReadRecord[] | undefined {
  const { answers, authority, additional } = HeaderOffset;
  const count = [answers, authority, additional].reduce((sum, at) => sum + packet.readUInt16BE(at), 0);
  const records: ReadRecord[] = [];
  let at = start;
  while (records.length < count) {
    const record = readRecord(packet, at);
    if (record === undefined) return undefined;
    records.push(record);
    at = record.end;
  }
  return at === packet.length ? records : undefined;
}

/** Its options (cookie, client subnet, padding, …) are passed over. */
function toEdns({ class: udpLimit, ttl }: ReadRecord): Edns {
  return { udpLimit, version: (ttl >>> 16) & 0xff, dnssecOk: (ttl & dnssecOk) !== 0 };
}

/** Octets of an OPT record without options. */
const optLength = 11;

/** Octets of an answer over UDP that the asker takes. */
export function udpLimitOf({ edns }: Query): number {
  if (edns === undefined) return plainUdpLimit;
  return Math.min(Math.max(edns.udpLimit, plainUdpLimit), ednsUdpLimit);
}

/**
 * The same query as most resolvers would send it: the name in lower case, without options. What is answered to the one
 * is answered to the other, but for the letters of the name; some choose their case at random against forgers, and add
 * a cookie. Undefined for a query that brings records other than OPT.
 */
export function toPlainQuery(query: Query): Query | undefined {
  const { packet, questionEnd, edns } = query;
  if (!hasOnlyOpt(query)) return undefined;
  const optEnd = questionEnd + (edns === undefined ? 0 : optLength);
  const nameEnd = questionEnd - 4;
  if (packet.length === optEnd && !hasCapitals(packet, headerLength, nameEnd)) return query;
  const plain = Buffer.from(packet.subarray(0, optEnd));
  plain.write(packet.toString('latin1', headerLength, nameEnd).toLowerCase(), headerLength, 'latin1');
  if (edns !== undefined) plain.writeUInt16BE(0, optEnd - 2);
  return { ...query, packet: plain };
}

function hasOnlyOpt({ packet, questionEnd, edns }: Query): boolean {
  const additional = packet.readUInt16BE(HeaderOffset.additional);
  if (packet.readUInt32BE(HeaderOffset.answers) !== 0) return false;
  // Its root as an octet, not as a pointer to some other root.
  return edns === undefined ? additional === 0 : additional === 1 && packet[questionEnd] === 0;
}
