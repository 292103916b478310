import type { Log } from '../../lib/log/log.ts';
import type { MirrorConfig } from '../../lib/mirror/config.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { MirrorStatus } from '../../lib/mirror/status.ts';
import { toldKey } from '../../lib/mirror/told.ts';
import type { Imports } from '../../lib/registry/imports.ts';
import type { Store } from '../../lib/registry/store.ts';
import { Delivery } from './mirror-delivery.ts';
import { ServiceImport } from './mirror-import.ts';

export type MirrorLinkOptions = {
  readonly config: MirrorConfig;
  /** The id of this machine. */
  readonly node: string;
  readonly log: Log;
  readonly imports: Imports;
};

/** Entries that the registry does not take are shown up to this number. */
const mostShown = 20;

/** One outside registry: what is delivered to it, what is imported from it, and how it stands. */
export class MirrorLink implements AsyncDisposable {
  readonly settled: Promise<void>;
  readonly #config: MirrorConfig;
  readonly #log: Log;
  readonly #registry: OutsideRegistry;
  readonly #import: ServiceImport | undefined;
  readonly #ended = new AbortController();
  readonly #running: Promise<unknown>;
  #delivery: Delivery | undefined;

  constructor({ config, node, log, imports }: MirrorLinkOptions) {
    this.#config = config;
    this.#log = log;
    this.#registry = config.open({ node, session: 'held' });
    const { signal } = this.#ended;
    const source = this.#registry;
    if (config.imports !== undefined)
      this.#import = new ServiceImport({ name: config.name, config: config.imports, source, imports, log });
    this.settled = this.#import?.settled ?? Promise.resolve();
    const keeping = config.isWritten
      ? this.#registry.run(() => this.#delivery?.resyncNow(), signal)
      : undefined;
    this.#running = Promise.all([keeping, this.#import?.run(signal)]);
  }

  get isWritten(): boolean {
    return this.#config.isWritten;
  }

  /** @param begin nothing is delivered before it resolves */
  deliverFrom(store: Store, onDamage: (error: Error) => void, begin: Promise<void>): AsyncDisposable {
    const mirror = this.#registry;
    const key = toldKey(this.#config, 'held');
    const delivery = new Delivery({ store, mirror, key, log: this.#log, onDamage, begin });
    this.#delivery = delivery;
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#delivery === delivery) this.#delivery = undefined;
        await delivery[Symbol.asyncDispose]();
      },
    };
  }

  status(): MirrorStatus {
    const { name, kind } = this.#config;
    const delivery = this.#delivery;
    const refused = delivery?.refused ?? [];
    const imports = this.#import?.status();
    return {
      name,
      kind,
      state: this.#state(),
      entries: delivery?.entries ?? 0,
      refused: refused.slice(0, mostShown),
      refusedCount: refused.length,
      lastError: delivery?.lastError ?? '',
      ...stated({
        lag: delivery?.lag,
        deliveredAtMs: delivery?.deliveredAtMs,
        failedAtMs: delivery?.failedAtMs,
      }),
      ...(imports === undefined ? {} : { imports }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#running;
    await this.#registry[Symbol.asyncDispose]();
  }

  #state(): MirrorStatus['state'] {
    if (!this.#config.isWritten) return 'reading';
    if (this.#delivery === undefined) return 'beginning';
    const { lastError, lag } = this.#delivery;
    if (lastError !== '') return 'failing';
    if (lag === undefined) return 'beginning';
    return lag === 0 ? 'delivered' : 'delivering';
  }
}

type Stated = { [K in 'lag' | 'deliveredAtMs' | 'failedAtMs']?: number };

/** Without what is not known. */
function stated(fields: { [K in keyof Stated]-?: number | undefined }): Stated {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
