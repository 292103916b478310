import { addressOctets } from './address-octets.ts';
import { type Labels, nameOctets, readName } from './name.ts';
import { RecordClass, RecordType } from './wire.ts';

/** What a record says, by its type. */
export type RecordData =
  /** `address` is canonical text. */
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'NS' | 'PTR'; readonly target: Labels }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: Labels;
    }
  | { readonly type: 'TXT'; readonly strings: readonly string[] }
  | {
      readonly type: 'SOA';
      readonly primary: Labels;
      readonly mailbox: Labels;
      readonly serial: number;
      /** How long the absence of a record may be remembered, in seconds (RFC 2308, section 4). */
      readonly minimum: number;
    };

export type RecordTypeName = RecordData['type'];

/** A record of class IN. */
export type ResourceRecord = {
  readonly name: Labels;
  readonly ttlSeconds: number;
  readonly data: RecordData;
};

/** A record as it stands in a message, its data yet to be read. */
export type ReadRecord = {
  readonly labels: Labels;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly dataStart: number;
  /** The offset after the data. */
  readonly end: number;
};

/** Undefined for whatever is no record, or goes beyond the message. */
export function readRecord(packet: Buffer, start: number): ReadRecord | undefined {
  const name = readName(packet, start);
  if (name === undefined || name.end + 10 > packet.length) return undefined;
  const dataStart = name.end + 10;
  const end = dataStart + packet.readUInt16BE(name.end + 8);
  if (end > packet.length) return undefined;
  return {
    labels: name.labels,
    type: packet.readUInt16BE(name.end),
    class: packet.readUInt16BE(name.end + 2),
    ttl: packet.readUInt32BE(name.end + 4),
    dataStart,
    end,
  };
}

/**
 * A record's octets, its owner's name compressed against the question's.
 * @param question the question's labels
 */
export function recordOctets({ name, ttlSeconds, data }: ResourceRecord, question: Labels): Buffer {
  const owner = nameOctets(name, question);
  const rdata = dataOctets(data, question);
  const octets = Buffer.allocUnsafe(owner.length + 10 + rdata.length);
  octets.set(owner);
  octets.writeUInt16BE(RecordType[data.type], owner.length);
  octets.writeUInt16BE(RecordClass.IN, owner.length + 2);
  octets.writeUInt32BE(ttlSeconds, owner.length + 4);
  octets.writeUInt16BE(rdata.length, owner.length + 8);
  octets.set(rdata, owner.length + 10);
  return octets;
}

function dataOctets(data: RecordData, question: Labels): Uint8Array {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return addressOctets(data.address);
    case 'NS':
    case 'PTR':
      return nameOctets(data.target, question);
    case 'SRV':
      return srvOctets(data);
    case 'TXT':
      return textOctets(data.strings);
    case 'SOA':
      return soaOctets(data, question);
  }
}

function srvOctets({ priority, weight, port, target }: RecordData & { type: 'SRV' }): Buffer {
  const numbers = Buffer.allocUnsafe(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  return Buffer.concat([numbers, nameOctets(target)]);
}

/** Octets of one string of a TXT record, and of all its data, at most (RFC 1035, section 3.3.14). */
const longestString = 255;
const longestData = 65_000;

/** What is longer than one string goes on in the next; what is longer than a record can be is left out. */
function textOctets(strings: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (const octets of strings.flatMap(splitText)) {
    length += octets.length + 1;
    if (length > longestData) break;
    parts.push(Buffer.of(octets.length), octets);
  }
  return Buffer.concat(parts);
}

function splitText(text: string): readonly Buffer[] {
  const octets = Buffer.from(text);
  const count = Math.max(1, Math.ceil(octets.length / longestString));
  return Array.from({ length: count }, (_, index) =>
    octets.subarray(index * longestString, (index + 1) * longestString),
  );
}

/** For secondaries, of which there are none: what RFC 1912, section 2.2, recommends. Seconds. */
const soaTimes = { refresh: 1200, retry: 180, expire: 1_209_600 };

function soaOctets(
  { primary, mailbox, serial, minimum }: RecordData & { type: 'SOA' },
  question: Labels,
): Buffer {
  const numbers = Buffer.allocUnsafe(20);
  const { refresh, retry, expire } = soaTimes;
  for (const [index, value] of [serial, refresh, retry, expire, minimum].entries()) {
    numbers.writeUInt32BE(value, index * 4);
  }
  return Buffer.concat([nameOctets(primary, question), nameOctets(mailbox, question), numbers]);
}
