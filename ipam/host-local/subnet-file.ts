import { CniError, ErrorCode, inContext } from '../../lib/errors/cni-error.ts';
import { formatCidr, networkOf, parseCidr } from '../../lib/net/cidr.ts';
import { parseRangeSet, type RangeSet } from './range.ts';

/**
 * The ranges that a file names: flanneld's subnet.env (`FLANNEL_SUBNET=10.1.2.1/24`, `FLANNEL_IPV6_SUBNET`), or
 * JSON in the form of `ipam.ranges`.
 * @param path for the errors
 * @throws CniError code 7
 */
export function parseSubnetFile(text: string, path: string): readonly RangeSet[] {
  return inContext(`ipam.subnetFile ${path}`, () =>
    /^\s*\[/.test(text) ? parseJsonRanges(text) : parseEnvironmentFile(text),
  );
}

function parseJsonRanges(text: string): readonly RangeSet[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CniError(ErrorCode.invalidConfig, 'begins like a JSON list but is not JSON', { cause: error });
  }
  return (json as readonly unknown[]).map((item, at) => parseRangeSet(item, `ranges[${at}]`));
}

function parseEnvironmentFile(text: string): readonly RangeSet[] {
  const variables = new Map(text.split('\n').flatMap(parseLine));
  const subnets = ['FLANNEL_SUBNET', 'FLANNEL_IPV6_SUBNET'].flatMap((name) => {
    const value = variables.get(name);
    return value === undefined || value === '' ? [] : [toRangeSet(name, value)];
  });
  if (subnets.length > 0) return subnets;
  throw new CniError(ErrorCode.invalidConfig, 'has neither FLANNEL_SUBNET nor FLANNEL_IPV6_SUBNET');
}

function parseLine(line: string): [string, string][] {
  const equals = line.indexOf('=');
  return equals > 0 ? [[line.slice(0, equals).trim(), line.slice(equals + 1).trim()]] : [];
}

/** The variable holds the subnet's first usable address: the gateway's. */
function toRangeSet(name: string, value: string): RangeSet {
  const cidr = parseCidr(value);
  if (cidr === undefined) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `${name}: expected a network such as 10.1.2.1/24, found ${JSON.stringify(value)}`,
    );
  }
  return parseRangeSet([{ subnet: formatCidr(networkOf(cidr)) }], name);
}
