import { sleep } from '../../lib/client/backoff.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import type { Mirror } from '../../lib/registry/mirror.ts';
import { deliver, resync } from '../../lib/registry/outbox.ts';
import { isDamage } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';

export type DeliveryOptions = {
  readonly store: Store;
  readonly mirror: Mirror;
  readonly log: Log;
  /** Called once, when the store is damaged; nothing is delivered any more. */
  readonly onDamage: (error: Error) => void;
};

/** How often the store is looked at, in milliseconds. */
const pollMs = 25;
/** Between two times at which all is compared, in milliseconds; somebody may have taken entries away. */
const resyncMs = 60_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Tells a mirror what a store has, change by change, until disposed: one delivery at a time. */
export class Delivery implements AsyncDisposable {
  readonly #options: DeliveryOptions;
  readonly #ended = new AbortController();
  readonly #told = new Set<string>();
  readonly #running: Promise<void>;
  #delivered: number | undefined;
  #resyncAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #lastError = '';

  constructor(options: DeliveryOptions) {
    this.#options = options;
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
    const { store, mirror } = this.#options;
    const work = isResync ? resync : deliver;
    const { revision } = await work(store, mirror, this.#ended.signal);
    this.#delivered = revision;
  }

  #succeed(): void {
    if (this.#failures > 0) this.#options.log.info('the names of this host are delivered again');
    this.#failures = 0;
    this.#lastError = '';
    this.#told.clear();
  }

  #fail(error: unknown): void {
    this.#failures++;
    this.#lastError = messageOf(error);
    const fullMs = Math.min(firstPauseMs * 2 ** Math.min(this.#failures - 1, 20), longestPauseMs);
    this.#notBeforeMs = performance.now() + fullMs * (1 - Math.random() / 2);
    if (isDamage(error)) {
      this.#ended.abort();
      this.#options.onDamage(error);
    } else if (!this.#told.has(this.#lastError)) {
      this.#told.add(this.#lastError);
      this.#options.log.warn('the names of this host cannot be delivered; this is tried again', {
        because: this.#lastError,
      });
    }
  }
}
