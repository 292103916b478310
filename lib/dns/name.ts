import { headerLength } from './wire.ts';

/** A name's labels from left to right, without the root: in lower case, one character for each octet. */
export type Labels = readonly string[];

/** Octets at most (RFC 1035, section 2.3.4). */
const longestLabel = 63;
const longestName = 255;

/** As many labels as a name can have: more pointers lead to pointers only, and would be work for nothing. */
const mostPointers = 127;

/** The two bits that make a label's length a pointer (RFC 1035, section 4.1.4). */
const pointerBits = 0xc0;

/** A name that was read, and the offset after it. */
export type ReadName = { readonly labels: Labels; readonly end: number };

/**
 * Reads a name, following compression pointers. Each must lead to before the piece of the name that it ends, so no
 * sequence of them is endless. Undefined for whatever is no name.
 */
export function readName(packet: Buffer, start: number): ReadName | undefined {
  const first = readPiece(packet, start);
  const labels = [...(first?.labels ?? [])];
  let pieceStart = start;
  let piece = first;
  for (let pointers = 1; piece?.pointer !== undefined; pointers++) {
    if (piece.pointer >= pieceStart || pointers > mostPointers) return undefined;
    pieceStart = piece.pointer;
    piece = readPiece(packet, pieceStart);
    labels.push(...(piece?.labels ?? []));
  }
  if (first === undefined || piece === undefined || octetsOf(labels) > longestName) return undefined;
  return { labels, end: first.end };
}

/** How a piece of a name ends: with the root, or with a pointer to where the name goes on. */
type Ending = { readonly end: number; readonly pointer?: number };

function readPiece(packet: Buffer, start: number): (Ending & { readonly labels: Labels }) | undefined {
  const labels: string[] = [];
  // All labels in one call: each costs as much as the rest of this function.
  const text = packet.toString('latin1', start, start + longestName + longestLabel).toLowerCase();
  let at = start;
  let length = packet[at] ?? 0;
  while (length > 0 && length <= longestLabel && at - start < longestName) {
    labels.push(text.slice(at + 1 - start, at + 1 - start + length));
    at += length + 1;
    length = packet[at] ?? 0;
  }
  const ending = readEnding(packet, at);
  return ending === undefined ? undefined : { labels, ...ending };
}

function readEnding(packet: Buffer, at: number): Ending | undefined {
  const length = packet[at];
  if (length === 0) return { end: at + 1 };
  if (length === undefined || length < pointerBits || at + 2 > packet.length) return undefined;
  const pointer = packet.readUInt16BE(at) & 0x3fff;
  return pointer < headerLength ? undefined : { end: at + 2, pointer };
}

/** With the root's. */
function octetsOf(labels: Labels): number {
  return labels.reduce((sum, label) => sum + label.length + 1, 1);
}

/** Whether an octet from `start` up to, and without, `end` is a capital letter; lengths of labels are none. */
export function hasCapitals(packet: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const octet = packet[at] ?? 0;
    if (octet >= 0x41 && octet <= 0x5a) return true;
  }
  return false;
}

/**
 * A name's octets, compressed against the question's name only. A record so written may stand anywhere in the answer,
 * which lets a kept answer be rotated by copying; and as all names here end in one zone, little is lost.
 * @param question its labels, or none for a name that must not be compressed (SRV targets: RFC 2782)
 */
export function nameOctets(labels: Labels, question: Labels = []): Buffer {
  const shared = sharedSuffix(labels, question);
  const own = labels.slice(0, labels.length - shared);
  const octets = Buffer.allocUnsafe(octetsOf(own) + (shared === 0 ? 0 : 1));
  let at = 0;
  for (const label of own) {
    octets[at] = label.length;
    octets.write(label, at + 1, 'latin1');
    at += label.length + 1;
  }
  if (shared === 0) octets[at] = 0;
  else octets.writeUInt16BE((pointerBits << 8) | offsetInQuestion(question, question.length - shared), at);
  return octets;
}

function sharedSuffix(one: Labels, other: Labels): number {
  let shared = 0;
  while (shared < one.length && shared < other.length && one.at(-1 - shared) === other.at(-1 - shared))
    shared++;
  return shared;
}

function offsetInQuestion(question: Labels, index: number): number {
  let offset = headerLength;
  for (let before = 0; before < index; before++) offset += (question[before]?.length ?? 0) + 1;
  return offset;
}

/** The labels left of `suffix`; undefined for a name that does not end with it. */
export function labelsBelow(labels: Labels, suffix: Labels): Labels | undefined {
  return sharedSuffix(labels, suffix) === suffix.length
    ? labels.slice(0, labels.length - suffix.length)
    : undefined;
}
