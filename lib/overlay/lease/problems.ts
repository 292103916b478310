import { fitsConfig } from './choose-subnet.ts';
import { addressesOf, describeClone } from './clone.ts';
import type { SubnetLease } from './lease.ts';
import { subnetsOf, subnetsOverlap } from './overlap.ts';
import { describeOwner, type Entry, entriesOf, hasAddressOf, type Identity } from './owner.ts';
import type { LeaseTable } from './table.ts';

/**
 * What is wrong with a host's lease among those of others, in words for the operator. The host can mend none of it:
 * either its containers would lose their addresses, or it is another host's.
 */
export function leaseProblems(
  table: LeaseTable,
  identity: Identity,
  held: SubnetLease | undefined,
): readonly string[] {
  const besides = entriesOf(table).filter(({ name }) => name !== held?.name);
  const others = besides.filter(({ node }) => node !== identity.node);
  return [
    ...besides.filter((entry) => held !== undefined && isTwins(entry, identity)).map(describeClone),
    ...others.filter((entry) => isImpostor(entry, identity)).map(describeImpostor),
    ...(held === undefined ? [] : problemsOf(held, table, others)),
  ];
}

/** Two machines with one id that have begun together hold a lease each. */
function isTwins(entry: Entry, { node, self }: Identity): boolean {
  return entry.node === node && addressesOf(entry).length > 0 && !hasAddressOf(entry, self);
}

/** One with nobody's id and our address is our own, or was, before the host had an id. */
function isImpostor(entry: Entry, { self }: Identity): boolean {
  return entry.node !== undefined && hasAddressOf(entry, self);
}

function describeImpostor(entry: Entry): string {
  return (
    `the machine ${entry.node} has leased ${entry.name} with the address ${describeOwner(entry)}, which is this host's: ` +
    'give one of them another address, or delete that key if the machine is no more'
  );
}

function problemsOf(held: SubnetLease, { config }: LeaseTable, others: readonly Entry[]): readonly string[] {
  const subnets = subnetsOf(held);
  const overlaps = others.filter((entry) => subnetsOverlap(entry.subnets, subnets));
  return [
    ...overlaps.map(
      (entry) =>
        `${describeOwner(entry)} has leased ${entry.name}, which overlaps with ${held.name} of this host: delete that key`,
    ),
    ...misfitOf(held, config),
  ];
}

function misfitOf(held: SubnetLease, config: LeaseTable['config']): readonly string[] {
  if (config === undefined) return ['the configuration of the overlay is gone from etcd: write it again'];
  if ('problem' in config) return [config.problem];
  if (fitsConfig(subnetsOf(held), config)) return [];
  return [
    `${held.name}, which this host has leased, does not fit the configuration of the overlay any more: ` +
      "remove this host's containers, then delete the key, and a subnet that fits will be leased",
  ];
}
