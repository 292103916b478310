import type { Change } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';

/** Changes kept in memory; older ones are read from the store, where that has them all. */
const mostKept = 4_096;

/**
 * What has changed since a revision. Watchers that come back ask for the last few changes, all of them at once; so these
 * are kept at hand.
 */
export class History {
  readonly #view: RegistryView;
  #kept: Change[] = [];
  /** What is kept follows on from this revision without a gap. */
  #from: number;

  constructor(view: RegistryView) {
    this.#view = view;
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
    if (revision > this.#view.revision) return undefined;
    if (revision < this.#from) return this.#view.storedChangesSince(revision);
    const first = this.#kept.findLastIndex((change) => change.revision <= revision) + 1;
    return this.#kept.slice(first);
  }
}
