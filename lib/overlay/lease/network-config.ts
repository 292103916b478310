import { Fields, unexpected } from '../../cni/fields.ts';
import { CniError, ErrorCode, inContext, messageOf } from '../../errors/cni-error.ts';
import { addressAfter, type Family, type IpAddress, parseAddress, widthOf } from '../../net/address.ts';
import {
  type Cidr,
  cidrContains,
  formatCidr,
  isWithin,
  lastAddress,
  networkAddress,
  networkOf,
  parseCidr,
} from '../../net/cidr.ts';
import { type ByFamily, byFamily } from './by-family.ts';
import type { SubnetLease } from './lease.ts';
import { subnetsOf } from './overlap.ts';

/** What is said of an overlay for all its hosts, in Flannel's key `<prefix>/config`. */
export type NetworkConfig = {
  /** At least one. */
  readonly ranges: ByFamily<SubnetRange>;
  readonly backend: VxlanBackend;
};

/** From what the hosts' subnets of one family are leased. */
export type SubnetRange = {
  /** The whole overlay. */
  readonly network: Cidr;
  /** The prefix length of a host's subnet. */
  readonly subnetLength: number;
  /** The addresses of the first and of the last subnet that are leased. */
  readonly min: IpAddress;
  readonly max: IpAddress;
};

export type VxlanBackend = {
  readonly vni: number;
  /** UDP. */
  readonly port: number;
  /** Bytes of a packet on the underlay, VXLAN's own headers included; undefined for what the interface has. */
  readonly outerMtu: number | undefined;
  /** Whether hosts of one link route to each other without VXLAN. */
  readonly directRouting: boolean;
};

/**
 * The JSON of `<prefix>/config` with Flannel's defaults.
 * @param key for the errors
 * @throws CniError code 7 naming the key and the field
 */
export function parseNetworkConfig(text: string, key: string): NetworkConfig {
  return inContext(key, () => {
    const fields = new Fields(parseObject(text), '');
    const ranges = byFamily((family) => parseRange(fields, family));
    if (ranges[4] === undefined && ranges[6] === undefined)
      throw new CniError(ErrorCode.invalidConfig, 'EnableIPv4 and EnableIPv6 are both false');
    return { ranges, backend: parseBackend(fields) };
  });
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CniError(ErrorCode.invalidConfig, `is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

const rules = {
  4: {
    names: {
      enable: 'EnableIPv4',
      network: 'Network',
      length: 'SubnetLen',
      min: 'SubnetMin',
      max: 'SubnetMax',
    },
    isOnByDefault: true,
    usualLength: 24,
    longestLength: 30,
  },
  6: {
    names: {
      enable: 'EnableIPv6',
      network: 'IPv6Network',
      length: 'IPv6SubnetLen',
      min: 'IPv6SubnetMin',
      max: 'IPv6SubnetMax',
    },
    isOnByDefault: false,
    usualLength: 64,
    longestLength: 126,
  },
} as const;

function parseRange(fields: Fields, family: Family): SubnetRange | undefined {
  const { names, isOnByDefault } = rules[family];
  if (!(fields.boolean(names.enable) ?? isOnByDefault)) return undefined;
  const network = parseNetwork(fields, family);
  const subnetLength = parseSubnetLength(fields, network);
  const size = 1n << BigInt(widthOf(family) - subnetLength);
  const aligned = { network, subnetLength };
  // The first subnet is left out, as its address is the network's own.
  const min = parseBound(fields, names.min, aligned) ?? addressAfter(network.address, size);
  const max = parseBound(fields, names.max, aligned) ?? addressAfter(lastAddress(network), 1n - size);
  if (min.bits > max.bits)
    throw unexpected(names.max, `a subnet that is not before ${names.min}`, fields.raw(names.max));
  return { ...aligned, min, max };
}

function parseNetwork(fields: Fields, family: Family): Cidr {
  const { network: name } = rules[family].names;
  const network = fields.parsed(name, `an IPv${family} network such as ${examples[family]}`, (text) => {
    const cidr = parseCidr(text);
    return cidr?.address.family === family && cidr.prefixLength > 0 ? networkOf(cidr) : undefined;
  });
  return network ?? fields.missing(name);
}

const examples = { 4: '10.5.0.0/16', 6: 'fd00:5::/48' } as const;

/** There is room for at least four subnets, as for Flannel; each has room for a gateway and a container. */
function parseSubnetLength(fields: Fields, { address, prefixLength }: Cidr): number {
  const { names, usualLength, longestLength } = rules[address.family];
  const shortest = prefixLength + 2;
  if (shortest > longestLength)
    throw unexpected(names.network, `a network of /${longestLength - 2} or wider`, fields.raw(names.network));
  const stated = fields.integer(names.length, { min: 0, max: longestLength }) ?? 0;
  if (stated === 0) return Math.max(shortest, usualLength);
  if (stated >= shortest) return stated;
  throw unexpected(names.length, `at least ${shortest}, so that the network has four subnets`, stated);
}

/** As Flannel's decoder leaves an unset address, 0.0.0.0 and :: mean none. */
function parseBound(
  fields: Fields,
  name: string,
  { network, subnetLength }: Pick<SubnetRange, 'network' | 'subnetLength'>,
): IpAddress | undefined {
  const expected = `the address of a /${subnetLength} of ${formatCidr(network)}`;
  const bound = fields.parsed(name, expected, parseAddress);
  if (bound === undefined || bound.bits === 0n) return undefined;
  const isAligned = networkAddress({ address: bound, prefixLength: subnetLength }).bits === bound.bits;
  if (cidrContains(network, bound) && isAligned) return bound;
  throw unexpected(name, expected, fields.raw(name));
}

const flannelPort = 8472;

function parseBackend(fields: Fields): VxlanBackend {
  const backend = fields.object('Backend') ?? fields.missing('Backend');
  const type = backend.string('Type');
  if (type?.toLowerCase() !== 'vxlan') throw unexpected(backend.at('Type'), '"vxlan"', type);
  if (backend.boolean('GBP') === true)
    throw unexpected(backend.at('GBP'), 'false: group policies are not carried', true);
  return {
    vni: backend.integer('VNI', { min: 0, max: 0xff_ff_ff }) ?? 1,
    port: backend.integer('Port', { min: 0, max: 65_535 }) || flannelPort,
    outerMtu: backend.integer('MTU', { min: 0, max: 65_535 }) || undefined,
    directRouting: backend.boolean('DirectRouting') ?? false,
  };
}

/** Whether a lease's subnets are parts of the overlay, be they of another length than it gives to hosts. */
export function isAround({ ranges }: NetworkConfig, lease: SubnetLease): boolean {
  return Object.values(subnetsOf(lease)).every((subnet) => {
    const range = ranges[subnet.address.family];
    return range !== undefined && isWithin(subnet, range.network);
  });
}
