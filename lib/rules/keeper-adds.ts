import type { ListedRules } from './listed-rules.ts';
import { ownerComment } from './owner.ts';
import type { RulesRecord } from './record.ts';

/** An ADD that has not written its rules so long after its record was first seen has ended without it. */
const longestAddMs = 5_000;

/** What is known of the kernel at a look. */
export type Observed = {
  readonly listed: ListedRules;
  /** Comments of owners. */
  readonly come: ReadonlySet<string>;
  readonly nowMs: number;
};

/**
 * Tells attachments that have their rules from those whose ADD is just about to write them: were they there already, it
 * would take them for somebody else's.
 */
export class FinishedAdds {
  #finished: ReadonlySet<string> = new Set();
  #firstSeenMs: ReadonlyMap<string, number> = new Map();

  /**
   * Takes all records there are, what the kernel had after they were read, and the owners whose elements came before.
   * @returns those whose ADD is over
   */
  take(records: readonly RulesRecord[], { listed, come, nowMs }: Observed): readonly RulesRecord[] {
    const seen = records.map((record) => ({ record, id: idOf(record) }));
    const firstSeenMs = new Map(seen.map(({ id }) => [id, this.#firstSeenMs.get(id) ?? nowMs]));
    const finished = seen.filter(
      ({ record, id }) =>
        this.#finished.has(id) ||
        come.has(ownerComment(record.owner.network, record.owner)) ||
        record.rules.own.some((rule) => listed.has(rule)) ||
        nowMs - (firstSeenMs.get(id) ?? nowMs) >= longestAddMs,
    );
    this.#firstSeenMs = firstSeenMs;
    this.#finished = new Set(finished.map(({ id }) => id));
    return finished.map(({ record }) => record);
  }
}

/** Which record it is: the same container attached again has another one, unless nothing of it has changed. */
export function idOf({ owner, proof }: RulesRecord): string {
  const { network, plugin, containerId, ifName } = owner;
  return `${network}/${containerId}/${ifName} ${plugin} ${proof.netns?.inode} ${proof.bootId}`;
}
