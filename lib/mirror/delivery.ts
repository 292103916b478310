import type { Change } from '../registry/instance.ts';
import type { Store } from '../registry/store.ts';
import { Ledger } from './ledger.ts';
import type { Entry, Mirror, Refusal } from './mirror.ts';

/** What a delivery has done, in entries. */
export type Delivered = { readonly put: number; readonly removed: number; readonly revision: number };

/** So long a registry may show what was there, in milliseconds: what has gone here sooner is no stranger there. */
const memoryMs = 300_000;

/**
 * Delivers to a mirror what a store has: at least once, in order for each instance, of several changes only the last. One
 * call at a time.
 */
export class Deliverer {
  readonly #store: Store;
  readonly #mirror: Mirror;
  readonly #key: string;
  /** Keys whose last delivery has not been confirmed. */
  readonly #pending = new Set<string>();
  readonly #refused = new Map<string, string>();
  /** Keys of what changed here not long ago, and when. */
  readonly #changedAtMs = new Map<string, number>();
  #strangers: readonly string[] = [];
  #toldRefused = 0;
  #known: { readonly ledger: Ledger; revision: number } | undefined;

  /** @param key under which the store remembers what this mirror was told */
  constructor(store: Store, mirror: Mirror, key = mirror.name) {
    this.#store = store;
    this.#mirror = mirror;
    this.#key = key;
  }

  /** Entries that are to stand. */
  get entries(): number {
    return this.#known?.ledger.size ?? 0;
  }

  /** Those that the registry did not take. */
  get refused(): readonly Refusal[] {
    return [...this.#refused].map(([key, because]) => ({ key, because }));
  }

  /**
   * What the last comparison has found under this machine's id that nobody here has written: left over from another time,
   * or another's who has the same id.
   */
  get strangers(): readonly string[] {
    return this.#strangers;
  }

  /**
   * Delivers what has changed since the last delivery, by whichever process. Where the history does not reach back so far,
   * and to a mirror that this store has never told anything, everything is compared.
   * @throws what the mirror throws; the next delivery begins at the same place
   */
  async deliver(signal: AbortSignal): Promise<Delivered> {
    const since = this.#known?.revision ?? this.#store.mirrored(this.#key);
    // A store that is new knows nothing of what another one has left there.
    const changes = since === undefined ? undefined : this.#store.changesSince(since);
    if (since === undefined || changes === undefined) return this.resync(signal);
    const { ledger, revision } = this.#follow(changes, since);
    const touched = [...this.#pending];
    const put = touched.flatMap((key) => entryOf(ledger, key));
    const removed = touched.filter((key) => ledger.content(key) === undefined);
    return this.#carryOut({ put, removed, revision }, signal);
  }

  /** Makes the mirror's entries of this machine equal to the store, whatever was delivered before. */
  async resync(signal: AbortSignal): Promise<Delivered> {
    const { ledger, revision } = this.#current();
    const there = new Map((await this.#mirror.listOwn(signal)).map(({ key, content }) => [key, content]));
    const removed = [...there.keys()].filter((key) => ledger.content(key) === undefined);
    const put = ledger.entries().filter(({ key, content }) => there.get(key) !== content);
    const strangers = this.#strangersOf(removed);
    this.#pending.clear();
    for (const key of [...removed, ...put.map((entry) => entry.key)]) this.#pending.add(key);
    this.#refused.clear();
    const delivered = await this.#carryOut({ put, removed, revision }, signal);
    this.#strangers = strangers;
    return delivered;
  }

  #strangersOf(leftOver: readonly string[]): readonly string[] {
    const oldestMs = performance.now() - memoryMs;
    for (const [key, atMs] of this.#changedAtMs) if (atMs < oldestMs) this.#changedAtMs.delete(key);
    const isKnown = (key: string) =>
      this.#changedAtMs.has(key) || this.#pending.has(key) || this.#refused.has(key);
    return leftOver.filter((key) => !isKnown(key));
  }

  /** The ledger as the store is now. */
  #current(): { readonly ledger: Ledger; readonly revision: number } {
    const changes = this.#known && this.#store.changesSince(this.#known.revision);
    if (this.#known !== undefined && changes !== undefined)
      return this.#follow(changes, this.#known.revision);
    const revision = this.#store.revision();
    this.#known = { ledger: this.#createLedger(), revision };
    return this.#known;
  }

  #follow(changes: readonly Change[], since: number): { readonly ledger: Ledger; readonly revision: number } {
    const revision = changes.at(-1)?.revision ?? since;
    const known = this.#known;
    if (known === undefined) return this.#begin(changes, revision);
    for (const { kind, instance } of changes)
      for (const key of kind === 'put' ? known.ledger.put(instance) : known.ledger.remove(instance.id)) {
        this.#pending.add(key);
        this.#changedAtMs.set(key, performance.now());
      }
    known.revision = revision;
    return known;
  }

  /** A process that has delivered nothing yet finds in the changes themselves which keys they concern. */
  #begin(changes: readonly Change[], revision: number) {
    const ledger = this.#createLedger();
    for (const { instance } of changes)
      for (const { key } of this.#mirror.render(instance)) this.#pending.add(key);
    for (const { instance } of changes)
      for (const { key } of this.#renderNow(instance.id)) this.#pending.add(key);
    this.#known = { ledger, revision };
    this.#recallRefused();
    return this.#known;
  }

  /** What another process was refused stays so until it is tried again. */
  #recallRefused(): void {
    for (const [id, because] of this.#store.refusals(this.#key))
      for (const { key } of this.#renderNow(id)) this.#refused.set(key, because);
    this.#toldRefused = this.#refused.size;
  }

  #createLedger(): Ledger {
    return new Ledger((instance) => this.#mirror.render(instance), this.#store.instances());
  }

  #renderNow(id: string): readonly Entry[] {
    const instance = this.#store.get(id);
    return instance === undefined ? [] : this.#mirror.render(instance);
  }

  /** Removals first: a new owner of an address must not meet the old one there. */
  async #carryOut({ put, removed, revision }: Work, signal: AbortSignal): Promise<Delivered> {
    const refused = [
      ...(removed.length === 0 ? [] : await this.#mirror.remove(removed, signal)),
      ...(put.length === 0 ? [] : await this.#mirror.put(put, signal)),
    ];
    for (const key of [...removed, ...put.map((entry) => entry.key)]) this.#refused.delete(key);
    for (const { key, because } of refused) this.#refused.set(key, because);
    this.#pending.clear();
    const isTold =
      revision === this.#store.mirrored(this.#key) && this.#refused.size + this.#toldRefused === 0;
    if (!isTold) this.#store.setMirrored(this.#key, revision, this.#refusedInstances());
    this.#toldRefused = this.#refused.size;
    return { put: put.length, removed: removed.length, revision };
  }

  #refusedInstances(): ReadonlyMap<string, string> {
    const ledger = this.#known?.ledger;
    return new Map(
      [...this.#refused].flatMap(([key, because]) =>
        (ledger?.claimants(key) ?? []).map((id): [string, string] => [id, because]),
      ),
    );
  }
}

type Work = {
  readonly put: readonly Entry[];
  readonly removed: readonly string[];
  readonly revision: number;
};

function entryOf(ledger: Ledger, key: string): readonly Entry[] {
  const content = ledger.content(key);
  return content === undefined ? [] : [{ key, content }];
}
