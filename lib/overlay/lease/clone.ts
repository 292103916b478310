import { formatAddress } from '../../net/address.ts';
import type { SubnetLease } from './lease.ts';
import { describeOwner, type Entry } from './owner.ts';

/**
 * Whether a lease with this machine's id is another machine's, as after a disk was copied. The one that has leased it
 * last keeps it, and takes nothing over again until it is started anew: two that did would take turns without an end.
 * @param addresses that this process has told of itself; undefined before the first, when a foreign one may be its own
 *   of an earlier run
 */
export function isClones(
  own: Entry,
  entries: readonly Entry[],
  addresses: ReadonlySet<string> | undefined,
): boolean {
  const theirs = addressesOf(own);
  if (addresses === undefined || theirs.every((text) => addresses.has(text))) return false;
  return !hasMovedOn(theirs, own, entries);
}

/** The other machine has an id of its own by now, and left this lease behind. */
function hasMovedOn(theirs: readonly string[], { node }: Entry, entries: readonly Entry[]): boolean {
  return entries.some(
    (entry) => entry.node !== node && addressesOf(entry).some((text) => theirs.includes(text)),
  );
}

/** What is to be done about it, in words. */
export function describeClone(entry: Entry): string {
  return (
    `another machine (${describeOwner(entry)}) has this machine's id: ` +
    "remove the file node-id beside the registry of one of them, and restart that one's agent"
  );
}

/** The public addresses that somebody has told of himself; none where a key is only reserved. */
export function addressesOf({ endpoints }: Pick<SubnetLease, 'endpoints'>): readonly string[] {
  return Object.values(endpoints).map(({ publicAddress }) => formatAddress(publicAddress));
}
