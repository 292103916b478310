import type { Link } from '../iproute/parse.ts';
import type { Family } from '../net/address.ts';
import { type Cidr, cidrContains, parseCidr } from '../net/cidr.ts';

const linkLocal = [parseCidr('169.254.0.0/16'), parseCidr('fe80::/10')];

/** A link's addresses that mean something beyond the link. */
export function globalAddresses({ addresses }: Link, family: Family): readonly Cidr[] {
  return addresses.filter(
    ({ address }) =>
      address.family === family &&
      !linkLocal.some((range) => range !== undefined && cidrContains(range, address)),
  );
}
