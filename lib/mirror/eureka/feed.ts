import { sleep } from '../../client/backoff.ts';
import { HttpFailure } from '../../http/http-failure.ts';
import type { EurekaClient } from './client.ts';
import type { Applications } from './instance-info.ts';
import { Table } from './table.ts';

type FeedOptions = {
  readonly client: Pick<EurekaClient, 'everything' | 'createDeltaReader'>;
  readonly pollMs: number;
  /** Between two questions for everything, where the changes are not told or do not add up. */
  readonly repairEveryMs?: number;
};

/**
 * What a registry has, for as many as want to know: one question for changes each interval, whatever their number, and
 * none while there is nobody.
 */
export class Feed {
  readonly #options: FeedOptions;
  #polling: Polling | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /**
   * The table, as it is and again after each change, until the signal; it is the same one, which goes on to change.
   * @throws HttpFailure where the registry cannot be read; whoever follows begins anew
   */
  async *follow(signal: AbortSignal): AsyncGenerator<Table> {
    if (signal.aborted) return;
    const polling = this.#begin();
    polling.followers++;
    try {
      for (let seen = 0; ; seen = polling.version) {
        await polling.beyond(seen, signal);
        if (signal.aborted) return;
        yield polling.table;
      }
    } finally {
      polling.followers--;
      if (polling.followers === 0) this.#end(polling);
    }
  }

  #begin(): Polling {
    if (this.#polling !== undefined) return this.#polling;
    const polling = new Polling(this.#options);
    this.#polling = polling;
    void polling.run().then(() => this.#end(polling));
    return polling;
  }

  #end(polling: Polling): void {
    polling.end();
    if (this.#polling === polling) this.#polling = undefined;
  }
}

/** The server tells changes for three minutes; whoever has not asked for so long has missed some. */
const longestGapMs = 120_000;
const defaultRepairEveryMs = 5_000;

/** From the first question for everything to the first failure. */
class Polling {
  readonly table = new Table();
  /** Counts the table's changes, from 1 when it has been filled. */
  version = 0;
  followers = 0;
  readonly #options: FeedOptions;
  readonly #readDelta: ReturnType<EurekaClient['createDeltaReader']>;
  readonly #ended = new AbortController();
  #failure: unknown;
  #changed = Promise.withResolvers<void>();
  #askedAtMs = 0;
  #askedAllAtMs = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#readDelta = options.client.createDeltaReader();
  }

  /** Until a failure, which followers are told, or until it is ended; never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#ended;
    try {
      await this.#askAll();
      while (!signal.aborted) {
        await sleep(this.#options.pollMs, signal);
        if (!signal.aborted) await this.#ask();
      }
    } catch (failure) {
      this.#failure = failure;
      this.#changed.resolve();
    }
  }

  end(): void {
    this.#ended.abort();
  }

  /** Resolves when the table is newer than that, or at the signal. */
  async beyond(version: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = () => resolve();
    signal.addEventListener('abort', stop);
    try {
      while (!signal.aborted && this.version <= version && this.#failure === undefined)
        await Promise.race([this.#changed.promise, promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    if (this.#failure !== undefined && !signal.aborted) throw this.#failure;
  }

  async #ask(): Promise<void> {
    if (performance.now() - this.#askedAtMs > longestGapMs) return this.#askAll();
    const delta = await this.#delta();
    if (delta === 'refused') return this.#askAllSometimes();
    this.#askedAtMs = performance.now();
    if (delta === 'unchanged') return;
    const isComplete = this.table.update(delta);
    this.#tell();
    if (!isComplete) await this.#askAllSometimes();
  }

  async #askAllSometimes(): Promise<void> {
    const { repairEveryMs = defaultRepairEveryMs } = this.#options;
    if (performance.now() - this.#askedAllAtMs > repairEveryMs) await this.#askAll();
  }

  async #askAll(): Promise<void> {
    const all = await this.#options.client.everything(this.#ended.signal);
    this.#askedAllAtMs = performance.now();
    this.#askedAtMs = this.#askedAllAtMs;
    this.table.replace(all);
    this.#tell();
  }

  /** Servers may be told not to answer this. */
  async #delta(): Promise<Applications | 'unchanged' | 'refused'> {
    try {
      return await this.#readDelta(this.#ended.signal);
    } catch (failure) {
      if (failure instanceof HttpFailure && failure.status === 403) return 'refused';
      throw failure;
    }
  }

  #tell(): void {
    this.version++;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
