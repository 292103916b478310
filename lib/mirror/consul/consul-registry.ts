import type { Instance } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import { abreast } from '../abreast.ts';
import type { Entry, OpenOptions, OutsideRegistry, Refusal } from '../mirror.ts';
import { outsideName } from '../service-name.ts';
import type { ConsulConfig } from './config.ts';
import { ConsulClient, type Declined, type Got, mostSockets } from './consul-client.ts';
import { HostService } from './host-service.ts';
import { parseHealthy } from './parse-healthy.ts';
import { parseStandings } from './parse-standings.ts';
import { toRegistration } from './registration.ts';
import { hostServiceName, serviceIdPrefix } from './service-id.ts';
import { type Standing, toStanding } from './standing.ts';
import { longestWaitMs, watchIndex } from './watch.ts';

/**
 * A registry in Consul: each instance is a service of this host's Consul agent, whose id has the machine's in it, and which
 * is as healthy as the service that this process keeps alive.
 */
export class ConsulRegistry implements OutsideRegistry {
  readonly name: string;
  readonly render: OutsideRegistry['render'];
  readonly #config: ConsulConfig;
  readonly #options: OpenOptions;
  readonly #client: ConsulClient;
  readonly #host: HostService;

  constructor(config: ConsulConfig, options: OpenOptions) {
    this.name = options.name;
    this.render = (instance) => [toEntry(toStanding(instance, { ...config, ...options }))];
    this.#config = config;
    this.#options = options;
    this.#client = new ConsulClient(config);
    this.#host = new HostService({ ...config, client: this.#client, node: options.node });
  }

  async put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    await this.#prove(signal);
    const path = '/v1/agent/service/register?replace-existing-checks=true';
    const options = { ...this.#config, ...this.#options };
    const outcomes = await abreast(entries, mostSockets, ({ content }) =>
      this.#client.put({ path, signal }, toRegistration(JSON.parse(content), options)),
    );
    return this.#refusals(
      entries.map(({ key }) => key),
      outcomes,
    );
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    await this.#prove(signal);
    const own = keys.filter((key) => key.startsWith(serviceIdPrefix(this.#options.node)));
    const outcomes = await abreast(own, mostSockets, (key) =>
      this.#client.put({ path: `/v1/agent/service/deregister/${encodeURIComponent(key)}`, signal }),
    );
    return this.#refusals(
      own,
      outcomes.map((outcome) => (outcome?.kind === 'unknown' ? undefined : outcome)),
    );
  }

  async listOwn(signal: AbortSignal): Promise<readonly Entry[]> {
    await this.#prove(signal);
    const { node } = this.#options;
    const ofField = (field: string) =>
      `filter=${encodeURIComponent(`${field} matches "^${serviceIdPrefix(node)}"`)}`;
    const [services, checks] = await Promise.all([
      this.#client.getObject({ path: `/v1/agent/services?${ofField('ID')}`, signal }),
      this.#client.getObject({ path: `/v1/agent/checks?${ofField('ServiceID')}`, signal }),
    ]);
    return parseStandings(node, services.value, checks.value).map(toEntry);
  }

  /** A process without a session sends no heartbeats: what it writes follows none. */
  async run(onLost: () => void, signal: AbortSignal): Promise<void> {
    if (this.#options.session === 'held') await this.#host.keep(onLost, signal);
  }

  nameOf(service: ServiceKey): string {
    return outsideName(service);
  }

  async query(name: string, signal: AbortSignal): Promise<readonly Instance[]> {
    const { value } = await this.#client.getList({ path: this.#healthPath(name, ''), signal });
    return parseHealthy(value, this.name);
  }

  async *watch(name: string, signal: AbortSignal): AsyncGenerator<readonly Instance[]> {
    yield* watchIndex(async (query, until) => {
      const path = this.#healthPath(name, `&${query}`);
      const { value, index } = await this.#client.getList({ ...this.#waiting(until), path });
      return { value: parseHealthy(value, this.name), index };
    }, signal);
  }

  async *watchNames(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    yield* watchIndex(async (query, until): Promise<Got<readonly string[]>> => {
      const path = `/v1/catalog/services?${query}${this.#datacenter}`;
      const { value, index } = await this.#client.getObject({ ...this.#waiting(until), path });
      return { value: Object.keys(value).filter((name) => !notServices.has(name)), index };
    }, signal);
  }

  /** The entries stay: the containers do, and the next process of this machine takes them over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  /**
   * A heartbeat before anything else: entries that followed nothing would be critical for a moment, and whoever may not
   * even send it is refused as a whole.
   */
  async #prove(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#options.session === 'held') await this.#host.beat(signal);
  }

  #refusals(keys: readonly string[], outcomes: readonly (Declined | undefined)[]): readonly Refusal[] {
    const declined = outcomes.filter((outcome) => outcome !== undefined);
    const [first] = declined;
    const areAll =
      declined.every(({ failure }) => failure.kind === 'refused') && declined.length === keys.length;
    // Nothing else tells a token for nothing from one for something else.
    if (this.#options.session === 'none' && first !== undefined && areAll) throw first.failure;
    return outcomes.flatMap((outcome, at) =>
      outcome === undefined ? [] : [{ key: keys[at] ?? '', because: outcome.failure.message }],
    );
  }

  #healthPath(name: string, more: string): string {
    return `/v1/health/service/${encodeURIComponent(name)}?passing=1${more}${this.#datacenter}`;
  }

  get #datacenter(): string {
    const { datacenter } = this.#config;
    return datacenter === undefined ? '' : `&dc=${datacenter}`;
  }

  #waiting(signal: AbortSignal) {
    return { connection: 'own', timeoutMs: longestWaitMs + this.#config.http.timeoutMs, signal } as const;
  }
}

/** Consul's own, ours, and what no path can name. */
const notServices: ReadonlySet<string> = new Set(['consul', hostServiceName, '.', '..']);

function toEntry(standing: Standing): Entry {
  return { key: standing.id, content: JSON.stringify(standing) };
}
