import type { Store } from '../registry/store.ts';
import type { OpenOptions } from './mirror.ts';
import type { MirrorSummary } from './summary.ts';

type Session = OpenOptions['session'];

/** What a store remembers of a mirror. */
export type Told = {
  readonly revision: number;
  /** By which kind of process: what an agent keeps alive is gone a while after its end. */
  readonly session: Session;
  /** Why the registry does not take instances, by their ids. */
  readonly refusals: ReadonlyMap<string, string>;
};

/**
 * Under what a store remembers what a mirror has been told. It belongs to the registry that the configuration means, and to
 * how entries are kept there: where another one is meant by the same name, or nobody keeps alive what an agent has written,
 * nothing has been told yet, and all is compared.
 */
export function toldKey({ name, place }: Pick<MirrorSummary, 'name' | 'place'>, session: Session): string {
  return `${name}@${place}/${session}`;
}

/** Undefined where nothing has been told. */
export function findTold(store: Store, mirror: Pick<MirrorSummary, 'name' | 'place'>): Told | undefined {
  for (const session of ['held', 'none'] as const) {
    const key = toldKey(mirror, session);
    const revision = store.mirrored(key);
    if (revision !== undefined) return { revision, session, refusals: store.refusals(key) };
  }
  return undefined;
}
