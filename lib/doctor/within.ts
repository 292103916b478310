import { type Cidr, cidrContains } from '../net/cidr.ts';

/** Whether one network is a part of another, or the same. */
export function isWithin(inner: Cidr, outer: Cidr): boolean {
  return outer.prefixLength <= inner.prefixLength && cidrContains(outer, inner.address);
}

/** Whether two networks have an address in common: then one is a part of the other. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  return isWithin(one, other) || isWithin(other, one);
}
