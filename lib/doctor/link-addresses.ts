import type { Link } from '../iproute/parse.ts';
import type { Family, IpAddress } from '../net/address.ts';
import { type Cidr, cidrContains, parseCidr } from '../net/cidr.ts';

const linkLocal = [parseCidr('169.254.0.0/16'), parseCidr('fe80::/10')];

/** A link's addresses that mean something beyond the link. */
export function globalAddresses({ addresses }: Link, family: Family): readonly Cidr[] {
  return addresses.filter(({ address }) => address.family === family && !isLinkLocal(address));
}

/** Every link may have the same ones, and they lead nowhere else. */
export function isLinkLocal(address: IpAddress): boolean {
  return linkLocal.some((range) => range !== undefined && cidrContains(range, address));
}
