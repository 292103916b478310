import { sleep } from '../../lib/client/backoff.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import { Deliverer } from '../../lib/mirror/delivery.ts';
import type { Mirror, Refusal } from '../../lib/mirror/mirror.ts';
import { isDamage } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';

export type DeliveryOptions = {
  readonly store: Store;
  readonly mirror: Mirror;
  readonly log: Log;
  /** Nothing is delivered before it resolves. */
  readonly begin?: Promise<void>;
  /** Called once, when the store is damaged; nothing is delivered any more. */
  readonly onDamage: (error: Error) => void;
};

/** How often the store is looked at, in milliseconds. */
const pollMs = 25;
/** Between two times at which all is compared, in milliseconds; somebody may have taken entries away. */
const resyncMs = 60_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** Reasons of refusals that are told at most, before all is well again. */
const mostReasons = 20;

/** Tells a mirror what a store has, change by change, until disposed: one delivery at a time. */
export class Delivery implements AsyncDisposable {
  readonly #options: DeliveryOptions;
  readonly #ended = new AbortController();
  readonly #told = new Set<string>();
  readonly #toldRefused = new Set<string>();
  readonly #deliverer: Deliverer;
  readonly #running: Promise<void>;
  #delivered: number | undefined;
  #deliveredAtMs: number | undefined;
  #failedAtMs: number | undefined;
  #resyncAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #lastError = '';

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#deliverer = new Deliverer(options.store, options.mirror);
    this.#running = this.#run();
  }

  /** Why the last delivery has failed; empty where it has not. */
  get lastError(): string {
    return this.#lastError;
  }

  /** Revisions of the store that the mirror has not been told of; undefined before the first delivery. */
  get lag(): number | undefined {
    return this.#delivered === undefined ? undefined : this.#options.store.revision() - this.#delivered;
  }

  /** Entries that are to stand in the registry. */
  get entries(): number {
    return this.#deliverer.entries;
  }

  /** Those that the registry does not take. */
  get refused(): readonly Refusal[] {
    return this.#deliverer.refused;
  }

  /** When the last delivery went well; milliseconds since 1970. */
  get deliveredAtMs(): number | undefined {
    return this.#deliveredAtMs;
  }

  /** When the last one failed that did. */
  get failedAtMs(): number | undefined {
    return this.#failedAtMs;
  }

  /** The mirror has lost entries: all is compared. */
  resyncNow(): void {
    this.#resyncAtMs = Number.NEGATIVE_INFINITY;
    this.retryNow();
  }

  /** Whatever made deliveries fail may be over. */
  retryNow(): void {
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    // Not before whoever made this has it in hand.
    await sleep(0, signal);
    const ended = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => ended.resolve());
    if (!signal.aborted) await Promise.race([this.#options.begin, ended.promise]);
    while (!signal.aborted) {
      if (performance.now() >= this.#notBeforeMs) await this.#attempt();
      await sleep(pollMs, signal);
    }
  }

  async #attempt(): Promise<void> {
    const { resyncAtMs, isResync } = this.#plan();
    try {
      if (!isResync && this.#options.store.revision() === this.#delivered) return;
      this.#resyncAtMs = resyncAtMs;
      await this.#deliver(isResync);
      this.#succeed();
    } catch (error) {
      if (isResync) this.#resyncAtMs = Number.NEGATIVE_INFINITY;
      if (!this.#ended.signal.aborted) this.#fail(error);
    }
  }

  /** The time of the next resync is set before this one begins: entries that are lost meanwhile ask for another. */
  #plan(): { readonly isResync: boolean; readonly resyncAtMs: number } {
    const nowMs = performance.now();
    const isResync = nowMs >= this.#resyncAtMs;
    return {
      isResync,
      resyncAtMs: isResync ? nowMs + resyncMs * (0.75 + Math.random() / 2) : this.#resyncAtMs,
    };
  }

  async #deliver(isResync: boolean): Promise<void> {
    const { signal } = this.#ended;
    const { revision } = await (isResync ? this.#deliverer.resync(signal) : this.#deliverer.deliver(signal));
    this.#delivered = revision;
    this.#tellRefused();
  }

  /** Each reason once, until nothing is refused any more. */
  #tellRefused(): void {
    const { mirror, log } = this.#options;
    const { refused } = this.#deliverer;
    if (refused.length === 0) this.#toldRefused.clear();
    for (const { key, because } of refused) {
      if (this.#toldRefused.has(because) || this.#toldRefused.size >= mostReasons) continue;
      this.#toldRefused.add(because);
      log.warn('the registry does not take an entry', { mirror: mirror.name, key, because });
    }
  }

  #succeed(): void {
    const { log, mirror } = this.#options;
    if (this.#failures > 0) log.info('the names of this host are delivered again', { mirror: mirror.name });
    this.#deliveredAtMs = Date.now();
    this.#failures = 0;
    this.#lastError = '';
    this.#told.clear();
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#lastError = messageOf(error);
    this.#failedAtMs = Date.now();
    const fullMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures - 1, 20), longestPauseMs);
    this.#notBeforeMs = performance.now() + fullMs * (1 - Math.random() / 2);
    if (isDamage(error)) {
      this.#ended.abort();
      this.#options.onDamage(error);
    } else if (!this.#told.has(this.#lastError)) {
      this.#told.add(this.#lastError);
      this.#options.log.warn('the names of this host cannot be delivered; this is tried again', {
        mirror: this.#options.mirror.name,
        because: this.#lastError,
      });
    }
  }
}
