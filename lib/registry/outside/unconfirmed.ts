import { ErrorCode } from '../../errors/cni-error.ts';
import type { MirrorSummary } from '../../mirror/summary.ts';
import { findTold } from '../../mirror/told.ts';
import type { Store } from '../store.ts';

/** A revision of the registry, and the ids of the instances that came with it. */
export type News = { readonly revision: number; readonly ids: readonly string[] };

/** Why an outside registry does not have the news. */
export type Reason = {
  readonly because: string;
  /** Of the error, where it was required: 11 where trying again may help. */
  readonly code: number;
};

/** An outside registry that does not have the news. */
export type Unconfirmed = Reason & { readonly mirror: MirrorSummary };

/** Whether an outside registry has been told up to this revision, by whichever process. */
export function isTold(store: Store, mirror: MirrorSummary, { revision }: Pick<News, 'revision'>): boolean {
  return (findTold(store, mirror)?.revision ?? -1) >= revision;
}

/** @param reasonOf why one has not been told */
export function findUnconfirmed(
  mirrors: readonly MirrorSummary[],
  news: News,
  { store, reasonOf }: { readonly store: Store; readonly reasonOf: (mirror: MirrorSummary) => Reason },
): readonly Unconfirmed[] {
  return mirrors.flatMap((mirror): readonly Unconfirmed[] => {
    const told = findTold(store, mirror);
    if (told === undefined || told.revision < news.revision) return [{ mirror, ...reasonOf(mirror) }];
    const { refusals } = told;
    return news.ids
      .filter((id) => refusals.has(id))
      .slice(0, 1)
      .map((id) => ({
        mirror,
        because: `it does not take ${id}: ${refusals.get(id)}`,
        code: ErrorCode.internal,
      }));
  });
}
