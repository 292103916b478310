import type { Change, Instance } from './instance.ts';
import type { Mirror } from './mirror.ts';
import { isSameRecord } from './mirror-equality.ts';
import type { Store } from './store.ts';

/** What a delivery has done. */
export type Delivered = { readonly put: number; readonly removed: number; readonly revision: number };

/**
 * Delivers to a mirror what has changed since the last delivery: at least once, in order for each instance, of several
 * changes only the last. Where the history does not reach back so far, everything is compared and made equal.
 * @throws what the mirror throws; the next delivery begins at the same place
 */
export async function deliver(store: Store, mirror: Mirror, signal: AbortSignal): Promise<Delivered> {
  const mirrored = store.mirrored(mirror.name);
  const changes = mirrored === undefined ? undefined : store.changesSince(mirrored);
  // A store that is new knows nothing of what another one has left there.
  if (mirrored === undefined || changes === undefined) return resync(store, mirror, signal);
  const last = [...new Map(changes.map((change) => [change.instance.id, change])).values()];
  const revision = changes.at(-1)?.revision ?? mirrored;
  return carryOut({ removed: of('remove', last), put: of('put', last), revision }, { store, mirror, signal });
}

/** Makes the mirror's entries of this machine equal to the store, whatever was delivered before. */
export async function resync(store: Store, mirror: Mirror, signal: AbortSignal): Promise<Delivered> {
  const revision = store.revision();
  const here = new Map(store.instances().map((instance) => [instance.id, instance]));
  const there = new Map((await mirror.listOwn(signal)).map((instance) => [instance.id, instance]));
  const removed = [...there.values()].filter(({ id }) => !here.has(id));
  // Adapters may not be able to give back all of it, and then put it again: harmless, and only in a resync.
  const put = [...here.values()].filter((instance) => !isSameRecord(there.get(instance.id), instance));
  return carryOut({ removed, put, revision }, { store, mirror, signal });
}

type Work = {
  readonly removed: readonly Instance[];
  readonly put: readonly Instance[];
  readonly revision: number;
};
type Way = { readonly store: Store; readonly mirror: Mirror; readonly signal: AbortSignal };

/** Removals first: a new owner of an address must not meet the old one there. */
async function carryOut(
  { removed, put, revision }: Work,
  { store, mirror, signal }: Way,
): Promise<Delivered> {
  if (removed.length > 0) await mirror.remove(removed, signal);
  if (put.length > 0) await mirror.put(put, signal);
  if (revision !== store.mirrored(mirror.name)) store.setMirrored(mirror.name, revision);
  return { put: put.length, removed: removed.length, revision };
}

function of(kind: Change['kind'], changes: readonly Change[]): readonly Instance[] {
  return changes.filter((change) => change.kind === kind).map(({ instance }) => instance);
}
