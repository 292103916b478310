import { type IpAddress, widthOf } from './address.ts';
import { type Cidr, lastAddress, networkAddress } from './cidr.ts';

/** Networks of one length, from the one with the address `min` to the one with `max`. */
export type SubnetRange = {
  readonly min: IpAddress;
  readonly max: IpAddress;
  readonly subnetLength: number;
};

/** Subnets in a row, by their numbers in a range; the range's first has number 0. */
export type Run = { readonly first: bigint; readonly last: bigint };

/**
 * The subnets of a range that others have, in order, no run touching the next. A network of IPv6 has more subnets than
 * could be looked at one by one.
 */
export function takenRuns(range: SubnetRange, taken: readonly Cidr[]): readonly Run[] {
  const runs = taken
    .filter(({ address }) => address.family === range.min.family)
    .map((cidr) => toRun(cidr, range))
    .filter(({ first, last }) => first <= last)
    .sort((one, other) => (one.first < other.first ? -1 : 1));
  return joined(runs);
}

/** The subnets that a network overlaps with, be it wider or narrower than they are. */
function toRun(cidr: Cidr, range: SubnetRange): Run {
  const first = numberOf(networkAddress(cidr).bits, range);
  const last = numberOf(lastAddress(cidr).bits, range);
  const end = countOf(range) - 1n;
  return { first: first < 0n ? 0n : first, last: last > end ? end : last };
}

function joined(sorted: readonly Run[]): readonly Run[] {
  const runs: Run[] = [];
  for (const next of sorted) {
    const before = runs.at(-1);
    if (before === undefined || next.first > before.last + 1n) runs.push(next);
    else if (next.last > before.last) runs[runs.length - 1] = { first: before.first, last: next.last };
  }
  return runs;
}

/** The number of the subnet that has the address; below 0 where that is before the range. */
export function numberOf(bits: bigint, { min, subnetLength }: SubnetRange): bigint {
  const hostBits = BigInt(widthOf(min.family) - subnetLength);
  return (bits >> hostBits) - (min.bits >> hostBits);
}

/** The reverse of `numberOf`. */
export function subnetOf(number: bigint, { min, subnetLength }: SubnetRange): Cidr {
  const hostBits = BigInt(widthOf(min.family) - subnetLength);
  return {
    address: { family: min.family, bits: min.bits + (number << hostBits) },
    prefixLength: subnetLength,
  };
}

/** How many subnets the range has. */
export function countOf(range: SubnetRange): bigint {
  return numberOf(range.max.bits, range) + 1n;
}
