import type { Fields } from '../../cni/fields.ts';
import { type Family, type IpAddress, parseAddress } from '../../net/address.ts';
import { cidrContains, parseCidr } from '../../net/cidr.ts';

const names = { 4: 'PublicIP', 6: 'PublicIPv6' } as const;

/**
 * A host's address on the underlay as a lease tells it; undefined where it has none, which Flannel writes as 0.0.0.0.
 * @throws CniError code 7 where it is not one that packets can be sent to
 */
export function parsePublicAddress(fields: Fields, family: Family): IpAddress | undefined {
  const address = fields.parsed(names[family], `the IPv${family} address of a host`, (text) => {
    const parsed = parseAddress(text);
    return parsed?.family === family && !isNoHosts(parsed) ? parsed : undefined;
  });
  return address?.bits === 0n ? undefined : address;
}

/** Loopback, multicast (to which a VXLAN device would flood) and what is above it. */
const noHosts = ['127.0.0.0/8', '224.0.0.0/3', '::1/128', 'ff00::/8']
  .map(parseCidr)
  .filter((cidr) => cidr !== undefined);

function isNoHosts(address: IpAddress): boolean {
  return noHosts.some((range) => cidrContains(range, address));
}
