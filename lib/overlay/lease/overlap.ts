import type { Family } from '../../net/address.ts';
import { cidrsOverlap } from '../../net/cidr.ts';
import { byFamily } from './by-family.ts';
import type { SubnetLease, Subnets } from './lease.ts';

const families: readonly Family[] = [4, 6];

/** Whether two hosts' subnets have addresses in common. */
export function subnetsOverlap(one: Subnets, other: Subnets): boolean {
  return families.some((family) => {
    const [mine, theirs] = [one[family], other[family]];
    return mine !== undefined && theirs !== undefined && cidrsOverlap(mine, theirs);
  });
}

/** A lease's subnets without the rest. */
export function subnetsOf({ endpoints }: Pick<SubnetLease, 'endpoints'>): Subnets {
  return byFamily((family) => endpoints[family]?.subnet);
}
