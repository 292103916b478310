import { Fields, unexpected } from '../../lib/cni/fields.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import {
  addressAfter,
  type Family,
  formatAddress,
  type IpAddress,
  isSameAddress,
  parseAddress,
} from '../../lib/net/address.ts';
import {
  type Cidr,
  cidrContains,
  formatCidr,
  lastAddress,
  networkAddress,
  parseCidr,
} from '../../lib/net/cidr.ts';

/** Addresses that may be leased: from `start` to `end`, both included, without the gateway. */
export type Range = {
  readonly subnet: Cidr;
  readonly start: IpAddress;
  readonly end: IpAddress;
  readonly gateway: IpAddress;
};

/** Ranges of one family that serve as one pool; an attachment gets one address from each set. */
export type RangeSet = readonly [Range, ...Range[]];

/**
 * One entry of a range set: `subnet`, and optionally `rangeStart`, `rangeEnd`, `gateway`.
 * Defaults are the reference's: the gateway is the first address, the range all but an IPv4 subnet's first and
 * last address.
 * @throws CniError code 7
 */
export function parseRange(item: unknown, path: string): Range {
  const fields = new Fields(item, path);
  const subnet = parseSubnet(fields);
  const first = addressAfter(subnet.address);
  const gateway = fields.parsed('gateway', 'an IP address', parseAddress) ?? first;
  const start = addressIn(fields, 'rangeStart', subnet) ?? first;
  const end = addressIn(fields, 'rangeEnd', subnet) ?? lastUsable(subnet);
  if (start.bits > end.bits) {
    throw unexpected(
      fields.at('rangeEnd'),
      `an address not before rangeStart ${formatAddress(start)}`,
      formatAddress(end),
    );
  }
  return { subnet, start, end, gateway };
}

/**
 * A list of ranges that make up one set.
 * @throws CniError code 7 where the families differ or two ranges overlap
 */
export function parseRangeSet(item: unknown, path: string): RangeSet {
  const [first, ...others] = Array.isArray(item)
    ? item.map((each, at) => parseRange(each, `${path}[${at}]`))
    : [];
  if (first === undefined) throw unexpected(path, 'a list of at least one range', item);
  const set: RangeSet = [first, ...others];
  for (const [at, range] of others.entries()) {
    if (range.start.family !== first.start.family) {
      throw unexpected(
        `${path}[${at + 1}].subnet`,
        `a subnet of the family of ${formatCidr(first.subnet)}`,
        formatCidr(range.subnet),
      );
    }
    const clash = set.slice(0, at + 1).find((other) => overlap(other, range));
    if (clash !== undefined) throw overlapping(`${path}[${at + 1}]`, range, clash);
  }
  return set;
}

/** @throws CniError code 7 where a range of one set overlaps one of another */
export function refuseOverlaps(sets: readonly RangeSet[]): void {
  for (const [at, set] of sets.entries()) {
    for (const range of set) {
      const clash = sets
        .slice(0, at)
        .flat()
        .find((other) => overlap(other, range));
      if (clash !== undefined) throw overlapping(`ipam.ranges[${at}]`, range, clash);
    }
  }
}

export function familyOf(set: RangeSet): Family {
  return set[0].start.family;
}

/** The range of the set in which the address lies between start and end. */
export function rangeOf(set: RangeSet, address: IpAddress): Range | undefined {
  return set.find((range) => inRange(range, address));
}

export function isGateway(range: Range, address: IpAddress): boolean {
  return isSameAddress(range.gateway, address);
}

/** How many addresses the set can lease. */
export function sizeOf(set: RangeSet): bigint {
  return set.reduce(
    (sum, range) => sum + range.end.bits - range.start.bits + (inRange(range, range.gateway) ? 0n : 1n),
    0n,
  );
}

function inRange({ start, end }: Range, { family, bits }: IpAddress): boolean {
  return start.family === family && start.bits <= bits && bits <= end.bits;
}

function overlap(one: Range, other: Range): boolean {
  return inRange(one, other.start) || inRange(one, other.end) || inRange(other, one.start);
}

function overlapping(path: string, range: Range, clash: Range): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `${path}: ${describeRange(range)} overlaps ${describeRange(clash)}; a lease must belong to one range only`,
  );
}

function describeRange({ start, end }: Range): string {
  return `${formatAddress(start)}-${formatAddress(end)}`;
}

function parseSubnet(fields: Fields): Cidr {
  const subnet =
    fields.parsed('subnet', 'a network such as 10.1.0.0/24', parseCidr) ?? fields.missing('subnet');
  const network = networkAddress(subnet);
  if (!isSameAddress(network, subnet.address)) {
    throw unexpected(
      fields.at('subnet'),
      `a network without host bits, here ${formatAddress(network)}/${subnet.prefixLength}`,
      formatCidr(subnet),
    );
  }
  const longest = subnet.address.family === 4 ? 30 : 126;
  if (subnet.prefixLength <= longest) return subnet;
  throw unexpected(
    fields.at('subnet'),
    `a prefix of at most /${longest}, to have room for a gateway and a container`,
    formatCidr(subnet),
  );
}

function addressIn(fields: Fields, name: string, subnet: Cidr): IpAddress | undefined {
  const address = fields.parsed(name, 'an IP address', parseAddress);
  if (address === undefined || cidrContains(subnet, address)) return address;
  throw unexpected(fields.at(name), `an address of ${formatCidr(subnet)}`, formatAddress(address));
}

function lastUsable(subnet: Cidr): IpAddress {
  const last = lastAddress(subnet);
  return subnet.address.family === 4 ? addressAfter(last, -1n) : last;
}
