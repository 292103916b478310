import { Fields, parseText, unexpected } from '../../cni/fields.ts';
import { parseJson } from '../../cni/json.ts';
import { type Family, formatAddress, type IpAddress, parseAddress } from '../../net/address.ts';
import { cidrContains, parseCidr } from '../../net/cidr.ts';
import type { HostRecord } from './host.ts';
import { parseNodeId } from './node-id.ts';

/**
 * The value of `<prefix>/hosts/<node>`: `{"name":"one","addresses":["192.0.2.1"],"reflector":"10.0.0.1"}`.
 * @throws CniError code 6 or 7
 */
export function parseHost(node: string, value: string): HostRecord {
  if (parseNodeId(node) === undefined) throw unexpected('the key', 'the id of a host', node);
  const fields = new Fields(parseJson(value, 'the value'), '');
  return {
    node,
    name: fields.parsed('name', 'a name of at most 253 characters', parseName) ?? fields.missing('name'),
    addresses: parseAddresses(fields),
    reflector: fields.parsed('reflector', 'an IPv4 address as cluster id', parseClusterId),
    ...parseLastSeen(fields),
  };
}

/** The reverse of `parseHost`, without the id. */
export function renderHost({ name, addresses, reflector, lastSeen }: Omit<HostRecord, 'node'>): string {
  const texts = Object.values(addresses).map(formatAddress);
  const wishes = reflector === undefined ? {} : { reflector };
  return JSON.stringify({
    name,
    addresses: texts,
    ...wishes,
    ...(lastSeen === undefined ? {} : { lastSeen }),
  });
}

function parseLastSeen(fields: Fields): Pick<HostRecord, 'lastSeen'> {
  const lastSeen = fields.integer('lastSeen', { min: 0, max: Number.MAX_SAFE_INTEGER });
  return lastSeen === undefined ? {} : { lastSeen };
}

function parseAddresses(fields: Fields): HostRecord['addresses'] {
  const addresses: Partial<Record<Family, IpAddress>> = {};
  for (const address of fields.array('addresses', parseHostAddress) ?? fields.missing('addresses')) {
    if (addresses[address.family] !== undefined)
      throw unexpected(
        'addresses',
        'one address of each family',
        Object.values(addresses).map(formatAddress),
      );
    addresses[address.family] = address;
  }
  return addresses;
}

/** What no packet can be sent to must not become a gateway. */
const noHosts = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8']
  .map(parseCidr)
  .filter((cidr) => cidr !== undefined);

function parseHostAddress(item: unknown, path: string): IpAddress {
  const text = parseText(item, path);
  const address = parseAddress(text);
  if (address !== undefined && !noHosts.some((range) => cidrContains(range, address))) return address;
  throw unexpected(path, 'the address of a host', text);
}

function parseName(text: string): string | undefined {
  return text.length <= 253 && !/\p{Cc}/u.test(text) ? text : undefined;
}

/** RFC 4456 has four bytes for it. */
function parseClusterId(text: string): string | undefined {
  const address = parseAddress(text);
  return address?.family === 4 ? formatAddress(address) : undefined;
}
