import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import { type Family, formatAddress } from '../../net/address.ts';
import { type Cidr, formatCidr, networkAddress } from '../../net/cidr.ts';
import { countOf, numberOf, type Run, subnetOf, takenRuns } from '../../net/runs.ts';
import { byFamily } from './by-family.ts';
import type { Subnets } from './lease.ts';
import type { NetworkConfig, SubnetRange } from './network-config.ts';

/** What decides on a host's subnets. */
export type SubnetChoice = {
  readonly config: NetworkConfig;
  /** What other hosts have, of both families, by leases of any length. */
  readonly taken: readonly Cidr[];
  /** What the host had before. */
  readonly preferred: Subnets;
  /** As Math.random. */
  readonly random: () => number;
};

/**
 * A free subnet of each family that the overlay has: the one that the host had before, or any.
 * @throws CniError code 11 where none is free
 */
export function chooseSubnet({ config, taken, preferred, random }: SubnetChoice): Subnets {
  return byFamily((family) => {
    const range = config.ranges[family];
    if (range === undefined) return undefined;
    const runs = takenRuns(range, taken);
    const before = preferred[family];
    if (before !== undefined && isInRange(before, range) && isFree(before, range, runs)) return before;
    return drawFree(range, runs, random);
  });
}

const families: readonly Family[] = [4, 6];

/** Whether a host could lease these: one subnet for each family that the overlay has. */
export function fitsConfig(subnets: Subnets, { ranges }: NetworkConfig): boolean {
  return families.every((family) => {
    const [subnet, range] = [subnets[family], ranges[family]];
    return subnet === undefined || range === undefined ? subnet === range : isInRange(subnet, range);
  });
}

function isInRange(subnet: Cidr, { subnetLength, min, max }: SubnetRange): boolean {
  const { bits, family } = subnet.address;
  const isSubnet = subnet.prefixLength === subnetLength && networkAddress(subnet).bits === bits;
  return isSubnet && family === min.family && bits >= min.bits && bits <= max.bits;
}

function isFree(subnet: Cidr, range: SubnetRange, runs: readonly Run[]): boolean {
  const number = numberOf(subnet.address.bits, range);
  return !runs.some(({ first, last }) => first <= number && number <= last);
}

/** Each that is free is as likely, also when few are: hosts that begin together rarely choose the same. */
function drawFree(range: SubnetRange, runs: readonly Run[], random: () => number): Cidr {
  const free = runs.reduce((left, { first, last }) => left - (last - first + 1n), countOf(range));
  if (free === 0n) throw noneFree(range);
  let number = drawBelow(free, random);
  for (const { first, last } of runs) {
    if (number < first) break;
    number += last - first + 1n;
  }
  return subnetOf(number, range);
}

function drawBelow(limit: bigint, random: () => number): bigint {
  let drawn = 0n;
  // Far more bits than the limit has, so that what `%` prefers is not to be noticed.
  for (let bits = 0; bits < 192; bits += 32) drawn = (drawn << 32n) | BigInt(Math.floor(random() * 2 ** 32));
  return drawn % limit;
}

function noneFree(range: SubnetRange): CniError {
  const { network, subnetLength, min, max } = range;
  const bounds = `${formatAddress(min)} to ${formatAddress(max)}`;
  return new CniError(
    ErrorCode.tryAgainLater,
    `no subnet is free: all ${countOf(range)} of length /${subnetLength} from ${bounds} in ${formatCidr(network)} are leased; ` +
      'widen the network, or remove leases of hosts that are gone',
  );
}
