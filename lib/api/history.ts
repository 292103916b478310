import type { Change } from '../registry/instance.ts';
import type { Store } from '../registry/store.ts';
import type { RegistryView } from '../registry/view.ts';

/** Changes kept in memory; older ones are read from the store. */
const mostKept = 4_096;

/**
 * What has changed since a revision. Watchers that come back ask for the last few changes, all of them at once; so these
 * are kept at hand.
 */
export class History {
  readonly #view: RegistryView;
  readonly #store: Pick<Store, 'changesSince'>;
  #kept: Change[] = [];
  /** What is kept follows on from this revision without a gap. */
  #from: number;

  constructor(view: RegistryView, store: Pick<Store, 'changesSince'>) {
    this.#view = view;
    this.#store = store;
    this.#from = view.revision;
  }

  follow(changes: readonly Change[]): void {
    this.#kept.push(...changes);
    if (this.#kept.length <= mostKept) return;
    const dropped = this.#kept.splice(0, this.#kept.length - mostKept / 2);
    this.#from = dropped.at(-1)?.revision ?? this.#from;
  }

  /**
   * What leads from that revision to the view's, in order; undefined where it is not known any more, or where the
   * revision is one that this registry never had.
   */
  since(revision: number): readonly Change[] | undefined {
    const latest = this.#view.revision;
    if (revision > latest) return undefined;
    if (revision < this.#from) {
      return this.#store.changesSince(revision)?.filter((change) => change.revision <= latest);
    }
    const first = this.#kept.findLastIndex((change) => change.revision <= revision) + 1;
    return this.#kept.slice(first);
  }
}
