import type { KeyValue, WatchEvent } from '../../etcd/etcd.ts';
import type { Followed } from '../../etcd/follow.ts';
import { type EtcdRecord, type ParsedRecord, parseRecord, parseRecordKey } from './record.ts';

/** What a step has changed of the records, and what in it could not be understood. */
export type RecordChanges = {
  readonly put: readonly EtcdRecord[];
  /** Also where a record was replaced by what is none. */
  readonly removed: readonly { readonly node: string; readonly id: string }[];
  readonly problems: readonly string[];
};

/** The records below a prefix as the last step has left them; what has not changed is not parsed again. */
export class EtcdRecordTable {
  readonly #prefix: string;
  readonly #entries = new Map<string, Entry>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  records(): readonly EtcdRecord[] {
    return [...this.#entries.values()].flatMap(({ parsed }) =>
      parsed.kind === 'record' ? [parsed.record] : [],
    );
  }

  follow(step: Exclude<Followed, { kind: 'lost' }>): RecordChanges {
    return step.kind === 'whole' ? this.#replace(step.kvs) : this.#change(step.events);
  }

  #replace(kvs: readonly KeyValue[]): RecordChanges {
    const there = new Set(kvs.map(({ key }) => key));
    return this.#step(
      kvs,
      [...this.#entries.keys()].filter((key) => !there.has(key)),
    );
  }

  /** Of several events of one key only the last counts. */
  #change(events: readonly WatchEvent[]): RecordChanges {
    const last = new Map(events.map((event) => [event.kind === 'put' ? event.kv.key : event.key, event]));
    const kvs = [...last.values()].flatMap((event) => (event.kind === 'put' ? event.kv : []));
    const gone = [...last.values()].flatMap((event) => (event.kind === 'delete' ? event.key : []));
    return this.#step(kvs, gone);
  }

  #step(kvs: readonly KeyValue[], gone: readonly string[]): RecordChanges {
    const removed = gone.filter((key) => this.#entries.delete(key));
    return this.#changesOf(
      kvs.flatMap((kv) => this.#enter(kv)),
      removed,
    );
  }

  /** @returns nothing where the same stood there already */
  #enter({ key, value }: KeyValue): readonly Entry[] {
    if (this.#entries.get(key)?.value === value) return [];
    const entry = { key, value, parsed: parseRecord(this.#prefix, { key, value }) };
    this.#entries.set(key, entry);
    return [entry];
  }

  #changesOf(entered: readonly Entry[], gone: readonly string[]): RecordChanges {
    const nonsense = entered.filter(({ parsed }) => parsed.kind === 'nonsense');
    const removed = [...gone, ...nonsense.map(({ key }) => key)];
    return {
      put: entered.flatMap(({ parsed }) => (parsed.kind === 'record' ? [parsed.record] : [])),
      removed: removed.flatMap((key) => parseRecordKey(this.#prefix, key) ?? []),
      problems: nonsense.flatMap(({ parsed }) => (parsed.kind === 'nonsense' ? [parsed.problem] : [])),
    };
  }
}

type Entry = { readonly key: string; readonly value: string; readonly parsed: ParsedRecord };
