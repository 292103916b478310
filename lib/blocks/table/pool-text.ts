import { Fields, unexpected } from '../../cni/fields.ts';
import { parseJson } from '../../cni/json.ts';
import { widthOf } from '../../net/address.ts';
import { type Cidr, cidrsOverlap, formatCidr, networkOf, parseCidr } from '../../net/cidr.ts';
import { blockLengths, defaultBlockLength } from './block-size.ts';
import type { Pool } from './pool.ts';

/**
 * The value of `<prefix>/pools/<name>`, which operators write: `{"cidr":"10.50.0.0/16","blockSize":26}`. A field that
 * there is not is refused, for what is misspelt would silently do nothing.
 * @throws CniError code 6 or 7
 */
export function parsePool(name: string, value: string): Pool {
  if (!/^[\w.-]{1,64}$/.test(name)) throw unexpected('the key', 'a name of letters, digits, _ . -', name);
  const fields = new Fields(parseJson(value, 'the value'), '');
  fields.only('cidr', 'blockSize', 'natOutgoing', 'disabled');
  const cidr = parseNetwork(fields);
  return {
    name,
    cidr,
    blockLength: parseBlockLength(fields, cidr),
    natOutgoing: fields.boolean('natOutgoing') ?? false,
    isDisabled: fields.boolean('disabled') ?? false,
  };
}

/** The reverse of `parsePool`, without the name. */
export function renderPool({ cidr, blockLength, natOutgoing, isDisabled }: Omit<Pool, 'name'>): string {
  return JSON.stringify({
    cidr: formatCidr(cidr),
    blockSize: blockLength,
    natOutgoing,
    disabled: isDisabled,
  });
}

function parseNetwork(fields: Fields): Cidr {
  const cidr = fields.parsed('cidr', 'a network such as 10.50.0.0/16', parseCidr) ?? fields.missing('cidr');
  const longest = widthOf(cidr.address.family) - 2;
  // A set of ranges of host-local has no room in less.
  if (cidr.prefixLength > longest)
    throw unexpected('cidr', `a network of at most /${longest}`, formatCidr(cidr));
  const network = networkOf(cidr);
  if (network.address.bits !== cidr.address.bits)
    throw unexpected('cidr', `${formatCidr(network)} without host bits`, formatCidr(cidr));
  const special = notForContainers.find((range) => cidrsOverlap(range, cidr));
  if (special === undefined) return cidr;
  throw unexpected('cidr', `a network that has nothing of ${formatCidr(special)}`, formatCidr(cidr));
}

/** This network, loopback, link-local, multicast, and what is reserved: a route there would take the host's own packets. */
const notForContainers = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  ...['::/127', 'fe80::/10', 'ff00::/8'],
].flatMap((text) => parseCidr(text) ?? []);

function parseBlockLength(fields: Fields, { address: { family }, prefixLength }: Cidr): number {
  const { min, max } = blockLengths[family];
  const limits = { min: Math.max(min, prefixLength), max };
  const length = fields.integer('blockSize', limits);
  if (length !== undefined) return length;
  const usual = defaultBlockLength[family];
  // A pool that is smaller than a usual block is one block.
  return prefixLength <= usual ? usual : prefixLength;
}
