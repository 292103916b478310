import { sleep } from '../../lib/client/backoff.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import { Deliverer } from '../../lib/mirror/delivery.ts';
import type { Mirror, Refusal } from '../../lib/mirror/mirror.ts';
import { isDamage } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';
import { OtherWriter } from './other-writer.ts';
import { ResyncSchedule } from './resync-schedule.ts';

export type DeliveryOptions = {
  readonly store: Store;
  readonly mirror: Mirror;
  /** Under which the store remembers what the mirror was told; its name unless said. */
  readonly key?: string;
  readonly log: Log;
  /** Nothing is delivered before it resolves. */
  readonly begin?: Promise<void>;
  /** Called once, when the store is damaged; nothing is delivered any more. */
  readonly onDamage: (error: Error) => void;
};

/** How often the store is looked at, in milliseconds. */
const pollMs = 25;
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
  readonly #resyncs = new ResyncSchedule();
  readonly #otherWriter: OtherWriter;
  readonly #running: Promise<void>;
  #delivered: number | undefined;
  #deliveredAtMs: number | undefined;
  #failedAtMs: number | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #lastError = '';

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#deliverer = new Deliverer(options.store, options.mirror, options.key);
    this.#otherWriter = new OtherWriter(options.store);
    this.#running = this.#run();
  }

  /** Why the last delivery has failed, or does not last; empty where all is well. */
  get lastError(): string {
    return this.#lastError || this.#otherWriter.problem;
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

  /** The mirror has lost entries, or may have: all is compared, at once unless that is often or deliveries fail. */
  resyncNow(): void {
    this.#resyncs.ask(performance.now());
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
    const isResync = this.#resyncs.isDue(performance.now());
    try {
      if (!isResync && this.#options.store.revision() === this.#delivered) return;
      await (isResync ? this.#resync() : this.#deliver());
      this.#succeed();
    } catch (error) {
      if (isResync) this.#resyncs.fail();
      if (!this.#ended.signal.aborted) this.#fail(error);
    }
  }

  async #deliver(): Promise<void> {
    const { revision } = await this.#deliverer.deliver(this.#ended.signal);
    this.#delivered = revision;
    this.#tellRefused();
  }

  async #resync(): Promise<void> {
    const cause = this.#resyncs.begin(performance.now());
    const { revision } = await this.#deliverer.resync(this.#ended.signal);
    this.#delivered = revision;
    this.#tellRefused();
    // After a loss, or at the start, what is there may be of another time.
    if (cause === 'regular') this.#noteStrangers();
  }

  #noteStrangers(): void {
    const { mirror, log } = this.#options;
    const { strangers } = this.#deliverer;
    const former = this.#otherWriter.problem;
    this.#otherWriter.note(strangers);
    const { problem } = this.#otherWriter;
    if (problem !== '' && former === '')
      log.warn(problem, { mirror: mirror.name, entries: strangers.length, first: strangers[0] ?? '' });
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
