import { readName } from '../../lib/dns/name.ts';
import { type Question, readQuestion, readRecords } from '../../lib/dns/query.ts';
import type { ReadRecord } from '../../lib/dns/record.ts';
import { headerLength, RecordType } from '../../lib/dns/wire.ts';
import { formatAddress } from '../../lib/net/address.ts';

export type TypeName = keyof typeof RecordType;

/** What a test says of a query; by default it asks for A, of class IN, with RD, id 0x1234 and without EDNS. */
export type QuerySaid = {
  readonly type?: TypeName | number;
  readonly class?: number;
  readonly id?: number;
  readonly flags?: number;
  /** Octets over UDP; an OPT record is sent. */
  readonly edns?: number;
  readonly version?: number;
  readonly dnssecOk?: boolean;
  /** The octets of the OPT record's data. */
  readonly options?: Buffer;
};

/** A query's packet; the name's letters stay as they are. */
export function queryPacket(name: string, said: QuerySaid = {}): Buffer {
  const { type = 'A', id = 0x1234, flags = 0x0100, edns } = said;
  const code = typeof type === 'number' ? type : RecordType[type];
  const header = words(id, flags, 1, 0, 0, edns === undefined ? 0 : 1);
  const question = Buffer.concat([encodedName(name), words(code, said.class ?? 1)]);
  return Buffer.concat([header, question, edns === undefined ? Buffer.alloc(0) : optRecord(edns, said)]);
}

function optRecord(
  edns: number,
  { version = 0, dnssecOk = false, options = Buffer.alloc(0) }: QuerySaid,
): Buffer {
  const fixed = words(RecordType.OPT, edns, version, dnssecOk ? 0x8000 : 0, options.length);
  return Buffer.concat([Buffer.of(0), fixed, options]);
}

/** A name without compression. */
export function encodedName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.').map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
}

/** Numbers of 16 bits each. */
export function words(...numbers: readonly number[]): Buffer {
  const octets = Buffer.alloc(numbers.length * 2);
  numbers.forEach((number, index) => void octets.writeUInt16BE(number, index * 2));
  return octets;
}

export type Message = {
  readonly id: number;
  readonly flags: number;
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  /** Undefined where there is only a header. */
  readonly question: Question | undefined;
  /** The question's name, letter by letter. */
  readonly askedName: string;
  /** Each as "name type data", in the order in which they stand. */
  readonly answers: readonly string[];
  readonly authority: readonly string[];
  /** Without OPT. */
  readonly additional: readonly string[];
  readonly ttls: readonly number[];
  /** Undefined where there is none. */
  readonly edns: { readonly udpLimit: number; readonly dnssecOk: boolean } | undefined;
};

/** Reads a message to its last octet. @throws Error where it is malformed */
export function readMessage(packet: Buffer): Message {
  if (packet.length < headerLength) throw new Error(`a message of ${packet.length} octets`);
  const flags = packet.readUInt16BE(2);
  const read = packet.readUInt16BE(4) === 0 ? undefined : (readQuestion(packet) ?? fail('its question'));
  const records = readRecords(packet, read?.end ?? headerLength) ?? fail('its records');
  const answerCount = packet.readUInt16BE(6);
  const authorityEnd = answerCount + packet.readUInt16BE(8);
  const show = (from: number, to?: number) =>
    records
      .slice(from, to)
      .filter(({ type }) => type !== RecordType.OPT)
      .map((record) => `${record.labels.join('.')} ${typeName(record.type)} ${dataOf(packet, record)}`);
  const opt = records.find(({ type }) => type === RecordType.OPT);
  return {
    id: packet.readUInt16BE(0),
    flags,
    rcode: (flags & 0x0f) | (((opt?.ttl ?? 0) >>> 24) << 4),
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    question: read?.question,
    askedName: read === undefined ? '' : asTyped(packet),
    answers: show(0, answerCount),
    authority: show(answerCount, authorityEnd),
    additional: show(authorityEnd),
    ttls: records.filter(({ type }) => type !== RecordType.OPT).map(({ ttl }) => ttl),
    edns: opt === undefined ? undefined : { udpLimit: opt.class, dnssecOk: (opt.ttl & 0x8000) !== 0 },
  };
}

function fail(what: string): never {
  throw new Error(`the message is malformed: ${what}`);
}

function typeName(type: number): string {
  return Object.entries(RecordType).find(([, code]) => code === type)?.[0] ?? `TYPE${type}`;
}

function asTyped(packet: Buffer): string {
  const labels: string[] = [];
  for (let at = headerLength; packet[at] !== 0; at += (packet[at] ?? 0) + 1) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + (packet[at] ?? 0)));
  }
  return labels.join('.');
}

/** A record's data as `dig` shows it, but for the dot after names. */
function dataOf(packet: Buffer, { type, dataStart, end }: ReadRecord): string {
  const data = packet.subarray(dataStart, end);
  const name = (offset: number) => readName(packet, dataStart + offset) ?? fail('a name in its data');
  switch (type) {
    case RecordType.A:
      return data.join('.');
    case RecordType.AAAA:
      return formatAddress({ family: 6, bits: BigInt(`0x${data.toString('hex')}`) });
    case RecordType.NS:
    case RecordType.PTR:
      return name(0).labels.join('.');
    case RecordType.SRV: {
      const numbers = [0, 2, 4].map((offset) => data.readUInt16BE(offset));
      return [...numbers, name(6).labels.join('.')].join(' ');
    }
    case RecordType.TXT:
      return stringsOf(data)
        .map((text) => JSON.stringify(text))
        .join(' ');
    case RecordType.SOA:
      return soaText(packet, dataStart);
    default:
      return data.toString('hex');
  }
}

function stringsOf(data: Buffer): readonly string[] {
  const strings: string[] = [];
  for (let at = 0; at < data.length; at += (data[at] ?? 0) + 1) {
    const next = at + 1 + (data[at] ?? 0);
    if (next > data.length) fail('a string in its data');
    strings.push(data.toString('utf8', at + 1, next));
  }
  return strings;
}

function soaText(packet: Buffer, start: number): string {
  const primary = readName(packet, start) ?? fail('a SOA');
  const mailbox = readName(packet, primary.end) ?? fail('a SOA');
  const numbers = [0, 1, 2, 3, 4].map((index) => packet.readUInt32BE(mailbox.end + index * 4));
  return [primary.labels.join('.'), mailbox.labels.join('.'), ...numbers].join(' ');
}
