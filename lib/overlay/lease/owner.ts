import { type Family, formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import { type ByFamily, byFamily } from './by-family.ts';
import type { Endpoint, SubnetLease, Subnets } from './lease.ts';
import { subnetsOf, subnetsOverlap } from './overlap.ts';
import type { Reservation } from './reservation.ts';
import type { LeaseTable, Stored } from './table.ts';

const families: readonly Family[] = [4, 6];

/** What a host says of itself in its lease. */
export type Self = ByFamily<Omit<Endpoint, 'subnet'>>;

/** Whether both say the same, so that there is nothing new to tell the others. */
export function isSameSelf(one: Self, other: Self): boolean {
  return families.every((family) => {
    const [mine, theirs] = [one[family], other[family]];
    if (mine === undefined || theirs === undefined) return mine === theirs;
    const isSame = mine.vni === theirs.vni && mine.vtepMac === theirs.vtepMac;
    return isSame && isSameAddress(mine.publicAddress, theirs.publicAddress);
  });
}

/** Who a host is among the others. */
export type Identity = { readonly node: string; readonly self: Self };

/** A key that somebody has, be it a lease or a reservation. */
export type Entry = Stored & {
  readonly name: string;
  readonly subnets: Subnets;
  readonly publicAddresses: ByFamily<IpAddress>;
  readonly node: string | undefined;
  /** Nothing where it is reserved only. */
  readonly endpoints: ByFamily<Endpoint>;
};

/** All leases and reservations, as they were made. */
export function entriesOf({ leases, reservations }: LeaseTable): readonly Entry[] {
  const entries = [
    ...[...leases.values()].map(fromLease),
    ...[...reservations.values()].map(fromReservation),
  ];
  return entries.sort((one, other) => one.createRevision - other.createRevision);
}

function fromLease(lease: SubnetLease & Stored): Entry {
  const publicAddresses = byFamily((family) => lease.endpoints[family]?.publicAddress);
  return { ...lease, subnets: subnetsOf(lease), publicAddresses };
}

function fromReservation(reservation: Reservation & Stored): Entry {
  return { ...reservation, endpoints: {} };
}

/**
 * The host's own: the one with its id, or else, as for Flannel, the one with its address and nobody's id.
 * @param preferred the name of the one that is taken where several have the host's id
 */
export function findOwn(
  entries: readonly Entry[],
  identity: Identity,
  preferred: string | undefined,
): Entry | undefined {
  const ours = entries.filter((entry) => entry.node === identity.node);
  return (
    ours.find((entry) => entry.name === preferred) ??
    // Two machines that have one id by mistake each keep to their own.
    ours.find((entry) => hasAddressOf(entry, identity.self)) ??
    ours[0] ??
    entries.find((entry) => entry.node === undefined && hasAddressOf(entry, identity.self))
  );
}

/** Whether the entry is reached by an address of the host. */
export function hasAddressOf({ publicAddresses }: Entry, self: Self): boolean {
  return families.some((family) => {
    const [theirs, ours] = [publicAddresses[family], self[family]?.publicAddress];
    return theirs !== undefined && ours !== undefined && isSameAddress(theirs, ours);
  });
}

/** Who else has leased a part of a lease's subnets. */
export function findTaker(table: LeaseTable, lease: SubnetLease, { node }: Identity): Entry | undefined {
  const subnets = subnetsOf(lease);
  return entriesOf(table).find((entry) => entry.node !== node && subnetsOverlap(entry.subnets, subnets));
}

/** Whose an entry is, in words. */
export function describeOwner({ publicAddresses, node }: Pick<Entry, 'publicAddresses' | 'node'>): string {
  const addresses = Object.values(publicAddresses).map(formatAddress).join(' and ');
  return addresses === '' ? `the machine ${node}` : addresses;
}
