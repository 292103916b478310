import { backoffMs, sleep } from '../../lib/client/backoff.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import type { ImportConfig } from '../../lib/mirror/config.ts';
import { isForeign } from '../../lib/mirror/markings.ts';
import type { Source } from '../../lib/mirror/mirror.ts';
import type { MirrorStatus } from '../../lib/mirror/status.ts';
import { outsideSource } from '../../lib/registry/claim.ts';
import type { Imports } from '../../lib/registry/imports.ts';
import type { Instance } from '../../lib/registry/instance.ts';

export type ServiceImportOptions = {
  /** Of the registry. */
  readonly name: string;
  readonly config: ImportConfig;
  readonly source: Source;
  readonly imports: Imports;
  readonly log: Log;
};

/** Each service is watched by itself. */
const mostServices = 1_000;
/** For so long the services are waited for at the start, in milliseconds. */
const settleMs = 1_000;

/**
 * Brings services of an outside registry into `Imports`: foreign ones into the namespace that is configured, those of other
 * machines of ours as they are there. While the registry is away, what was last known stays.
 */
export class ServiceImport {
  readonly #options: ServiceImportOptions;
  readonly #settled = Promise.withResolvers<void>();
  readonly #services = new Map<string, Service>();
  #lastError = 'not reached yet';
  #isCut = false;

  constructor(options: ServiceImportOptions) {
    this.#options = options;
  }

  /** Resolves when all services are known that there are at the start, or that takes longer than a second. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  status(): NonNullable<MirrorStatus['imports']> {
    const services = [...this.#services.values()];
    const failed = services.find(({ lastError }) => lastError !== '');
    const lastError = this.#lastError !== '' ? this.#lastError : (failed?.lastError ?? '');
    return {
      namespace: this.#options.config.namespace,
      isConnected: lastError === '',
      services: services.length,
      instances: services.reduce((sum, { instances }) => sum + instances, 0),
      lastError,
    };
  }

  /** Until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.#settled.resolve(), settleMs);
    const again = { signal, what: 'the services of an outside registry cannot be read' };
    await this.#repeat(again, {
      follow: async (onTold) => {
        for await (const names of this.#options.source.watchNames(signal)) {
          onTold();
          this.#take(names, signal);
        }
      },
      note: (error) => {
        this.#lastError = error;
      },
    });
    clearTimeout(timer);
    this.#settled.resolve();
    await Promise.all([...this.#services.values()].map(({ ended }) => ended));
  }

  #take(names: readonly string[], signal: AbortSignal): void {
    const wanted = this.#wantedOf(names);
    for (const [name, service] of this.#services) if (!wanted.has(name)) this.#leave(name, service);
    for (const name of wanted) if (!this.#services.has(name)) this.#follow(name, signal);
    void Promise.all([...this.#services.values()].map(({ known }) => known)).then(() =>
      this.#settled.resolve(),
    );
  }

  #wantedOf(names: readonly string[]): ReadonlySet<string> {
    const { config, log, name } = this.#options;
    const wanted = names.filter((each) => config.services.some((pattern) => matches(pattern, each)));
    if (wanted.length > mostServices && !this.#isCut)
      log.warn('too many services; only the first are imported', { mirror: name, most: mostServices });
    this.#isCut = wanted.length > mostServices;
    return new Set(wanted.toSorted().slice(0, mostServices));
  }

  #follow(name: string, signal: AbortSignal): void {
    const gone = new AbortController();
    const known = Promise.withResolvers<void>();
    const service: Service = {
      gone,
      known: known.promise,
      ended: Promise.resolve(),
      instances: 0,
      lastError: '',
    };
    this.#services.set(name, service);
    const ending = AbortSignal.any([signal, gone.signal]);
    const again = { signal: ending, what: 'a service of an outside registry cannot be read', service: name };
    service.ended = this.#repeat(again, {
      follow: async (onTold) => {
        for await (const instances of this.#options.source.watch(name, ending)) {
          if (ending.aborted) return;
          onTold();
          this.#replace(name, instances);
          service.instances = instances.length;
          known.resolve();
        }
      },
      note: (error) => {
        service.lastError = error;
      },
    });
  }

  #leave(name: string, service: Service): void {
    service.gone.abort();
    this.#services.delete(name);
    this.#replace(name, []);
  }

  #replace(service: string, instances: readonly Instance[]): void {
    const { name, config, imports } = this.#options;
    const place = (instance: Instance) =>
      isForeign(instance) ? { ...instance, namespace: config.namespace } : instance;
    imports.replace(outsideSource(name, service), instances.map(place));
  }

  /** Follows again and again until the signal; what fails in a row is told once, and waited after. */
  async #repeat({ signal, what, service }: Again, { follow, note }: Following): Promise<void> {
    const { log, name } = this.#options;
    let failures = 0;
    let told = '';
    while (!signal.aborted) {
      try {
        await follow(() => {
          if (failures > 0) log.info('an outside registry is read again', { mirror: name, ...of(service) });
          failures = 0;
          told = '';
          note('');
        });
        if (signal.aborted) return;
        throw new Error('the watch has ended');
      } catch (error) {
        if (signal.aborted) return;
        const because = messageOf(error);
        note(because);
        if (because !== told) log.warn(what, { mirror: name, ...of(service), because });
        told = because;
        failures++;
      }
      await sleep(backoffMs(failures), signal);
    }
  }
}

type Service = {
  readonly gone: AbortController;
  /** Resolves when it was told for the first time. */
  readonly known: Promise<void>;
  ended: Promise<void>;
  instances: number;
  lastError: string;
};

type Again = { readonly signal: AbortSignal; readonly what: string; readonly service?: string };
type Following = {
  readonly follow: (onTold: () => void) => Promise<void>;
  readonly note: (error: string) => void;
};

function of(service: string | undefined): { readonly service?: string } {
  return service === undefined ? {} : { service };
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
