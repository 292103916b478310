import type { ListedRules } from './listed-rules.ts';
import { ownerComment } from './owner.ts';
import type { RulesRecord } from './record.ts';

/** An ADD that has not written its rules so long after its record was first seen has ended without it. */
const longestAddMs = 5_000;

/** What is known of the kernel at a look. */
export type Observed = {
  readonly listed: ListedRules;
  /** When elements with an owner's comment came last, in milliseconds of CLOCK_MONOTONIC. */
  readonly come: ReadonlyMap<string, number>;
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
        hasCome(record, come) ||
        record.rules.own.some((rule) => listed.has(rule)) ||
        nowMs - (firstSeenMs.get(id) ?? nowMs) >= longestAddMs,
    );
    this.#firstSeenMs = firstSeenMs;
    this.#finished = new Set(finished.map(({ id }) => id));
    return finished.map(({ record }) => record);
  }
}

/** What came before the record is of an earlier ADD of the same attachment. */
function hasCome({ owner, atMs }: RulesRecord, come: Observed['come']): boolean {
  const cameMs = come.get(ownerComment(owner.network, owner));
  return cameMs !== undefined && cameMs >= atMs;
}

/** Which record it is: the same container attached again has another one. */
export function idOf({ owner, proof, atMs }: RulesRecord): string {
  const { network, plugin, containerId, ifName } = owner;
  return `${network}/${containerId}/${ifName} ${plugin} ${proof.netns?.inode} ${proof.bootId} ${atMs}`;
}
