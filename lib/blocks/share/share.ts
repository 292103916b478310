import { Fields, parseText, unexpected } from '../../cni/fields.ts';
import { parseJson } from '../../cni/json.ts';
import { parseNetworkName } from '../../cni/netconf.ts';
import {
  type Family,
  formatAddress,
  type IpAddress,
  isSameAddress,
  parseAddress,
} from '../../net/address.ts';
import { type Cidr, cidrContains, formatCidr, networkAddress, parseCidr } from '../../net/cidr.ts';

/** Where the agent writes what this host leases addresses from, for the plugin `routed`. */
export const defaultShareFile = '/run/fairlead/blocks.json';

/** What of the pools is this host's, so that an ADD asks nobody. */
export type Share = {
  /** The CNI network whose containers get these addresses; one alone, for leases are kept by network. */
  readonly network: string;
  /** Where host-local keeps its leases: absolute path. */
  readonly dataDir: string;
  /** Bytes that a container's packet may have on its way to the other hosts. */
  readonly mtu: number;
  /** All pools of the cluster: what has an address of none of them is not of this network. */
  readonly pools: readonly Cidr[];
  /** Those of which a container gets an address: of pools that are not disabled. */
  readonly families: readonly Family[];
  /** What this host leases from: blocks without what is lent, and single addresses that were borrowed. */
  readonly ranges: readonly ShareRange[];
};

/** Addresses from the first to the last, both included. */
export type ShareRange = { readonly pool: Cidr; readonly first: IpAddress; readonly last: IpAddress };

/**
 * The file's content as a share. Plugin and agent may be of neighbouring releases: fields that only the other one knows are
 * passed over.
 * @param path where it stands, for the errors
 * @throws CniError code 6 or 7 naming file and field
 */
export function parseShare(text: string, path: string): Share {
  const fields = new Fields(parseJson(text, path), path);
  const ranges = fields.array('ranges', parseShareRange) ?? fields.missing('ranges');
  return {
    network: parseNetworkName(fields.string('network')),
    dataDir: fields.parsed('dataDir', 'an absolute path', toAbsolutePath) ?? fields.missing('dataDir'),
    mtu: fields.integer('mtu', { min: 68, max: 65_535 }) ?? fields.missing('mtu'),
    pools: fields.array('pools', parsePool) ?? fields.missing('pools'),
    families: fields.array('families', parseFamily) ?? familiesOf(ranges),
    ranges,
  };
}

/** The same share as a file's content, which `parseShare` reads. */
export function renderShare({ ranges, pools, ...said }: Share): string {
  const texts = ranges.map(({ pool, first, last }) => ({
    pool: formatCidr(pool),
    first: formatAddress(first),
    last: formatAddress(last),
  }));
  return `${JSON.stringify({ ...said, pools: pools.map(formatCidr), ranges: texts }, null, 2)}\n`;
}

/** Whether this host may lease the address. */
export function hasAddress({ ranges }: Pick<Share, 'ranges'>, { family, bits }: IpAddress): boolean {
  return ranges.some(({ first, last }) => first.family === family && first.bits <= bits && bits <= last.bits);
}

function parsePool(item: unknown, path: string): Cidr {
  const pool = parseCidr(parseText(item, path));
  if (pool !== undefined && isSameAddress(networkAddress(pool), pool.address)) return pool;
  throw unexpected(path, 'a network without host bits', item);
}

function parseFamily(item: unknown, path: string): Family {
  if (item === 4 || item === 6) return item;
  throw unexpected(path, '4 or 6', item);
}

/** What an agent that does not tell them gives addresses of. */
function familiesOf(ranges: readonly ShareRange[]): readonly Family[] {
  return [...new Set(ranges.map(({ first }) => first.family))].sort();
}

function parseShareRange(item: unknown, path: string): ShareRange {
  const fields = new Fields(item, path);
  const pool = parsePool(fields.raw('pool'), fields.at('pool'));
  const addressOf = (name: 'first' | 'last') =>
    fields.parsed(name, `an address of ${formatCidr(pool)}`, (text) => {
      const address = parseAddress(text);
      return address !== undefined && cidrContains(pool, address) ? address : undefined;
    }) ?? fields.missing(name);
  const [first, last] = [addressOf('first'), addressOf('last')];
  if (first.bits <= last.bits) return { pool, first, last };
  throw unexpected(fields.at('last'), `an address not before ${formatAddress(first)}`, formatAddress(last));
}

function toAbsolutePath(text: string): string | undefined {
  return text.startsWith('/') && !text.includes('\0') ? text : undefined;
}
