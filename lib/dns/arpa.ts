import { formatAddress } from '../net/address.ts';
import { type Labels, labelsBelow } from './name.ts';

/** A name below in-addr.arpa or ip6.arpa. */
export type ReverseName = {
  /** The whole address in canonical text; undefined for a part of one, and for what is none. */
  readonly address?: string;
  /** Whether it is the beginning of an address, so that there may be names below it. */
  readonly isPrefix: boolean;
  /** The zone of private addresses in which it lies (RFC 6303, section 4); nobody else can know of those. */
  readonly privateZone?: Labels;
};

const v4Suffix: Labels = ['in-addr', 'arpa'];
const v6Suffix: Labels = ['ip6', 'arpa'];

/** Undefined for a name elsewhere. */
export function parseReverseName(labels: Labels): ReverseName | undefined {
  const v4 = labelsBelow(labels, v4Suffix);
  if (v4 !== undefined) return { ...toV4(v4.toReversed()), ...privatePart(labels, privateOctets(v4)) };
  const v6 = labelsBelow(labels, v6Suffix);
  if (v6 !== undefined) return { ...toV6(v6.toReversed()), ...privatePart(labels, privateNibbles(v6)) };
  return undefined;
}

function toV4(octets: Labels): ReverseName {
  const isPrefix = octets.length <= 4 && octets.every((octet) => isOctet.test(octet));
  if (!isPrefix || octets.length < 4) return { isPrefix };
  return { isPrefix: false, address: octets.join('.') };
}

const isOctet = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

function toV6(nibbles: Labels): ReverseName {
  const isPrefix = nibbles.length <= 32 && nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble));
  if (!isPrefix || nibbles.length < 32) return { isPrefix };
  return { isPrefix: false, address: formatAddress({ family: 6, bits: BigInt(`0x${nibbles.join('')}`) }) };
}

function privatePart(labels: Labels, depth: number | undefined): Pick<ReverseName, 'privateZone'> {
  return depth === undefined ? {} : { privateZone: labels.slice(-2 - depth) };
}

/** How many octets the private zone is deep: loopback, RFC 1918, RFC 3927, RFC 6598. */
function privateOctets(labels: Labels): number | undefined {
  const [first, second] = [labels.at(-1), Number(labels.at(-2))];
  if (first === '10' || first === '127') return 1;
  const isPrivate =
    (first === '172' && second >= 16 && second <= 31) ||
    (first === '192' && second === 168) ||
    (first === '169' && second === 254) ||
    (first === '100' && second >= 64 && second <= 127);
  return isPrivate ? 2 : undefined;
}

/** How many nibbles it is deep: RFC 4193's local addresses, and those of one link. */
function privateNibbles(labels: Labels): number | undefined {
  const start = labels.slice(-3).toReversed().join('');
  if (/^f[cd]/.test(start)) return 2;
  return /^fe[89ab]/.test(start) ? 3 : undefined;
}
