import { unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { isSameAddress } from '../net/address.ts';
import { type Cidr, networkAddress, parseCidr } from '../net/cidr.ts';
import type { PointToPointNetwork } from './kind.ts';

/** The lowest MTU that IPv4 works with (RFC 791), in bytes. */
const lowestMtu = 68;

/** The fields that both plugins have. @throws CniError code 7 naming the field */
export function parsePointToPointConfig({ name, dns, fields }: NetConf): PointToPointNetwork {
  const mtu = fields.integer('mtu', { min: 0, max: 65_535 }) || undefined;
  if (mtu !== undefined && mtu < lowestMtu) throw unexpected('mtu', `at least ${lowestMtu}, or 0`, mtu);
  return {
    network: name,
    mtu,
    ipMasq: fields.boolean('ipMasq') ?? false,
    unmasqueraded: fields.array('unmasqueraded', parseNetwork) ?? [],
    checksSource: fields.boolean('ipspoofchk') ?? false,
    dns,
  };
}

function parseNetwork(item: unknown, path: string): Cidr {
  const network = typeof item === 'string' ? parseCidr(item) : undefined;
  if (network !== undefined && isSameAddress(networkAddress(network), network.address)) return network;
  throw unexpected(path, 'a network without host bits', item);
}
