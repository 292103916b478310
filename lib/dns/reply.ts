import { type Answer, bareAnswer } from './answer.ts';
import { type Query, udpLimitOf } from './query.ts';
import { type ResourceRecord, recordOctets } from './record.ts';
import {
  dnssecOk,
  ednsUdpLimit,
  Flag,
  HeaderOffset,
  headerLength,
  Rcode,
  RecordType,
  tcpLimit,
} from './wire.ts';

/** An answer as octets that can be sent again and again: each time under another id, and from another record on. */
export type Reply = {
  /** The whole message. */
  readonly octets: Buffer;
  /** Where each record of the answer section begins, and where the last ends. */
  readonly bounds: readonly number[];
  /** Octets that may be sent at most. */
  readonly limit: number;
  readonly rcode: number;
};

/** How an answer is to be sent. */
export type Sending = {
  readonly transport: 'udp' | 'tcp';
  /** Whether there are upstreams, which RA tells. */
  readonly recursion: boolean;
};

/** Writes an answer; the additional section is left out where it does not fit, for it is help and not the answer. */
export function writeReply(query: Query, answer: Answer, sending: Sending): Reply {
  const limit = limitOf(query, sending);
  const whole = writeSections(query, answer, { ...sending, limit });
  if (whole.octets.length <= limit || answer.additional.length === 0) return whole;
  return writeSections(query, { ...answer, additional: [] }, { ...sending, limit });
}

/** Octets that may go back to the asker at once. */
export function limitOf(query: Query, { transport }: Pick<Sending, 'transport'>): number {
  return transport === 'udp' ? udpLimitOf(query) : tcpLimit;
}

function writeSections(
  query: Query,
  answer: Answer,
  { recursion, limit }: { readonly recursion: boolean; readonly limit: number },
): Reply {
  const answers = sectionOctets(answer.answers, query);
  const authority = sectionOctets(answer.authority, query);
  const additional = sectionOctets(answer.additional, query);
  const opt = query.edns === undefined ? [] : [optOctets(answer.rcode, query.edns.dnssecOk)];
  const header = headerOctets(query.packet, flagsOf(query, answer, recursion), [
    1,
    answers.length,
    authority.length,
    additional.length + opt.length,
  ]);
  const question = query.packet.subarray(headerLength, query.questionEnd);
  const octets = Buffer.concat([header, question, ...answers, ...authority, ...additional, ...opt]);
  return { octets, bounds: boundsOf(answers, query.questionEnd), limit, rcode: answer.rcode };
}

/** The records of a section, as far as any message can hold them. */
function sectionOctets(records: readonly ResourceRecord[], { question }: Query): readonly Buffer[] {
  const written: Buffer[] = [];
  let length = 0;
  for (const record of records) {
    const octets = recordOctets(record, question.labels);
    length += octets.length;
    if (length > tcpLimit) break;
    written.push(octets);
  }
  return written;
}

function boundsOf(answers: readonly Buffer[], start: number): readonly number[] {
  const bounds = [start];
  let end = start;
  for (const { length } of answers) {
    end += length;
    bounds.push(end);
  }
  return bounds;
}

function flagsOf({ packet }: Query, { authoritative, rcode }: Answer, recursion: boolean): number {
  const asked = packet.readUInt16BE(HeaderOffset.flags) & (Flag.recursionDesired | Flag.checkingDisabled);
  const own = (authoritative ? Flag.authoritative : 0) | (recursion ? Flag.recursionAvailable : 0);
  return Flag.response | asked | own | (rcode & 0x0f);
}

function headerOctets(packet: Buffer, flags: number, counts: readonly number[]): Buffer {
  const header = Buffer.alloc(headerLength);
  packet.copy(header, 0, 0, 2);
  header.writeUInt16BE(flags, HeaderOffset.flags);
  for (const [index, count] of counts.entries()) {
    header.writeUInt16BE(count, HeaderOffset.questions + index * 2);
  }
  return header;
}

/** DO comes back as it was sent (RFC 3225, section 3); options do not, for none is understood. */
function optOctets(rcode: number, isDnssecOk: boolean): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(RecordType.OPT, 1);
  opt.writeUInt16BE(ednsUdpLimit, 3);
  opt.writeUInt8(rcode >>> 4, 5);
  opt.writeUInt16BE(isDnssecOk ? dnssecOk : 0, 7);
  return opt;
}

/** A header and nothing else, in answer to what cannot be read any further. */
export function writeProblem(packet: Buffer, rcode: number): Buffer {
  const asked = packet.readUInt16BE(HeaderOffset.flags) & (Flag.opcode | Flag.recursionDesired);
  return headerOctets(packet, Flag.response | asked | rcode, []);
}

/** The same question for an upstream: of the asker's options none is passed on, for they are between it and us. */
export function writeForwarded({ packet, questionEnd, edns }: Query, id: number): Buffer {
  const opt = edns === undefined ? [] : [optOctets(Rcode.noError, edns.dnssecOk)];
  const asked = Flag.recursionDesired | Flag.authenticData | Flag.checkingDisabled;
  const flags = packet.readUInt16BE(HeaderOffset.flags) & asked;
  const header = headerOctets(packet, flags, [1, 0, 0, opt.length]);
  header.writeUInt16BE(id, HeaderOffset.id);
  return Buffer.concat([header, packet.subarray(headerLength, questionEnd), ...opt]);
}

/** Nothing but the word that the answer is to be had over TCP. */
export function writeTruncated(query: Query, sending: Sending): Buffer {
  const { octets } = writeReply(query, bareAnswer(Rcode.noError), sending);
  octets.writeUInt16BE(octets.readUInt16BE(HeaderOffset.flags) | Flag.truncated, HeaderOffset.flags);
  return octets;
}

/** Whether the answers do not all fit: then TC is set, and those that fit are sent for those who know no TCP. */
export function isCut({ octets, limit }: Reply): boolean {
  return octets.length > limit;
}

/** The message for the asker of `packet`, its answers beginning with any one of them, so that load is spread. */
export function renderReply(reply: Reply, packet: Buffer): Buffer {
  const message = isCut(reply) ? cutMessage(reply) : rotatedMessage(reply);
  message[0] = packet[0] ?? 0;
  message[1] = packet[1] ?? 0;
  return message;
}

/** The message with the question as it was asked, letter by letter: whoever chose their case wants to see it again. */
export function withQuestion(message: Buffer, { packet, questionEnd }: Query): Buffer {
  packet.copy(message, headerLength, headerLength, questionEnd);
  return message;
}

function rotatedMessage({ octets, bounds }: Reply): Buffer {
  const message = Buffer.allocUnsafe(octets.length);
  message.set(octets);
  if (bounds.length <= 2) return message;
  const [start, turn, end] = turnOf(bounds);
  octets.copy(message, start, turn, end);
  octets.copy(message, start + end - turn, start, turn);
  return message;
}

/** Where the answers begin, where the one begins that is to be the first, and where all end. */
function turnOf(bounds: readonly number[]): readonly [number, number, number] {
  const first = Math.floor(Math.random() * (bounds.length - 1));
  return [bounds[0] ?? 0, bounds[first] ?? 0, bounds.at(-1) ?? 0];
}

function cutMessage({ octets, bounds, limit }: Reply): Buffer {
  const count = bounds.length - 1;
  const start = bounds[0] ?? 0;
  const tail = octets.subarray(bounds.at(-1));
  const message = Buffer.allocUnsafe(limit);
  message.set(octets.subarray(0, start));
  const first = Math.floor(Math.random() * count);
  let end = start;
  let written = 0;
  for (; written < count; written++) {
    const at = (first + written) % count;
    const record = octets.subarray(bounds[at], bounds[at + 1]);
    if (end + record.length + tail.length > limit) break;
    message.set(record, end);
    end += record.length;
  }
  message.set(tail, end);
  message.writeUInt16BE(message.readUInt16BE(HeaderOffset.flags) | Flag.truncated, HeaderOffset.flags);
  message.writeUInt16BE(written, HeaderOffset.answers);
  return message.subarray(0, end + tail.length);
}
