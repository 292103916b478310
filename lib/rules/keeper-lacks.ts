import { idOf } from './keeper-adds.ts';
import type { Restoration } from './restore.ts';
import { describeRule } from './rules.ts';

/** What is missing for less than this is perhaps being taken away by a DEL, whose record goes last. */
const confirmMs = 250;

/** Tells what is missing for good from what is missing at the moment of a look. */
export class LastingLacks {
  #sinceMs: ReadonlyMap<string, number> = new Map();

  /** Takes all that is missing now. @returns what has been for long enough */
  take({ shared, own, conflicts }: Restoration, nowMs: number): Restoration {
    const before = this.#sinceMs;
    const names = [...shared.map(describeRule), ...own.map(({ record }) => idOf(record))];
    this.#sinceMs = new Map(names.map((name) => [name, before.get(name) ?? nowMs]));
    const isLasting = (name: string) => nowMs - (before.get(name) ?? nowMs) >= confirmMs;
    return {
      shared: shared.filter((rule) => isLasting(describeRule(rule))),
      own: own.filter(({ record }) => isLasting(idOf(record))),
      conflicts,
    };
  }

  /** Whether anything is missing. */
  get isAny(): boolean {
    return this.#sinceMs.size > 0;
  }
}
