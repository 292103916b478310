import type { Family } from '../../net/address.ts';
import { cidrsOverlap } from '../../net/cidr.ts';
import { addressesOf } from './clone.ts';
import type { SubnetLease } from './lease.ts';
import type { LeaseState } from './record.ts';

/**
 * The families of whose subnet others have leased a part, where this host has lost its lease and has no other: packets
 * for those addresses are to go to them.
 */
export function takenFamilies(
  state: LeaseState,
  leases: Iterable<SubnetLease>,
  node: string,
): readonly Family[] {
  if (state.kind !== 'lost') return [];
  const others = [...leases].filter((lease) => isAnothers(lease, state, node));
  return ([4, 6] as const).filter((family) => {
    const mine = state.previous.endpoints[family]?.subnet;
    const theirs = others.flatMap(({ endpoints }) => endpoints[family]?.subnet ?? []);
    return mine !== undefined && theirs.some((subnet) => cidrsOverlap(subnet, mine));
  });
}

type Lost = Extract<LeaseState, { readonly kind: 'lost' }>;

/** One with our id is our own as the table still has it, unless it was lost to a machine that has the same id. */
function isAnothers(lease: SubnetLease, { previous, takenBy }: Lost, node: string): boolean {
  if (lease.node !== node) return true;
  const ours = addressesOf(previous);
  return takenBy !== undefined && !addressesOf(lease).every((address) => ours.includes(address));
}
