import { sleep } from '../../client/backoff.ts';
import type { Instance } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import { abreast } from '../abreast.ts';
import { Heartbeats } from '../heartbeats.ts';
import { ownerOf } from '../markings.ts';
import type { Entry, OpenOptions, OutsideRegistry, Refusal } from '../mirror.ts';
import { poll } from '../poll.ts';
import { Catalogue } from './catalogue.ts';
import { NacosClient } from './client.ts';
import type { NacosConfig } from './config.ts';
import type { Host } from './host.ts';
import { OwnEntries } from './own-entries.ts';
import {
  groupedService,
  type Place,
  parseKey,
  parseServiceName,
  toAddressKey,
  toKey,
  toServiceName,
} from './place.ts';
import { parseContent, type Registration, renderRegistration, toContent } from './registration.ts';
import { toRegistryInstance } from './to-instance.ts';

export type NacosRegistryOptions = NacosConfig & Pick<OpenOptions, 'name' | 'node'>;

/** Writes under way at once. */
const width = 16;
/** Between two looks at what the server has not shown yet. */
const settleEveryMs = 100;
/** After this long all services are looked through for entries of which this process knows nothing. */
const everythingEveryMs = 600_000;

/** A registry in Nacos: each instance under the service's own name, in the group of its namespace. */
export function createNacosRegistry(options: NacosRegistryOptions): OutsideRegistry {
  return new NacosRegistry(options);
}

class NacosRegistry implements OutsideRegistry {
  readonly name: string;
  readonly #options: NacosRegistryOptions;
  readonly #client: NacosClient;
  readonly #catalogue: Catalogue;
  readonly #heartbeats: Heartbeats;
  readonly #own = new OwnEntries();
  #everythingMs = Number.NEGATIVE_INFINITY;

  constructor(options: NacosRegistryOptions) {
    this.name = options.name;
    this.#options = options;
    this.#client = new NacosClient(options);
    this.#catalogue = new Catalogue(this.#client);
    this.#heartbeats = new Heartbeats({
      intervalMs: options.ttlMs / 3,
      renew: (key, signal) => this.#renew(key, signal),
    });
  }

  render(instance: Instance): readonly Entry[] {
    return [renderRegistration(instance, this.#options)];
  }

  async put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    const unknown = entries.filter(({ key }) => !this.#own.has(key));
    const taken = await this.#takenByOthers(unknown, signal);
    const free = entries.filter(({ key }) => !taken.has(key));
    const refused = await abreast(free, width, (entry) => this.#register(entry, signal));
    return [...[...taken].map(([key, because]) => ({ key, because })), ...refused.flat()];
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    const unknown = keys.filter((key) => !this.#own.has(key));
    const found = new Set((await this.#hostsAt(unknown, signal)).filter(this.#isOwn).map(toKey));
    const own = keys.filter((key) => this.#own.has(key) || found.has(key));
    const refused = await abreast(own, width, (key) => this.#deregister(key, signal));
    return refused.flat();
  }

  async listOwn(signal: AbortSignal): Promise<readonly Entry[]> {
    signal.throwIfAborted();
    let hosts = await this.#listOwnHosts(signal);
    while (this.#own.isSettling(hosts)) {
      await sleep(settleEveryMs, signal);
      signal.throwIfAborted();
      hosts = await this.#listOwnHosts(signal);
    }
    this.#own.adopt(hosts);
    for (const key of this.#heartbeats.keys()) if (!this.#own.has(key)) this.#heartbeats.drop(key);
    for (const key of this.#own.keys()) this.#heartbeats.keep(key);
    return hosts.map((host) => ({ key: toKey(host), content: toContent(host) }));
  }

  run(onLost: () => void, signal: AbortSignal): Promise<void> {
    return this.#heartbeats.run(onLost, signal);
  }

  nameOf(service: ServiceKey): string {
    return toServiceName(groupedService(service, this.#options), this.#options);
  }

  async query(name: string, signal: AbortSignal): Promise<readonly Instance[]> {
    const hosts = await this.#client.hosts(parseServiceName(name, this.#options), signal);
    return hosts
      .filter(({ healthy, enabled }) => healthy && enabled)
      .flatMap((host) => toRegistryInstance(host, this.#options) ?? [])
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  watch(name: string, signal: AbortSignal): AsyncIterable<readonly Instance[]> {
    const read = (ended: AbortSignal) => this.query(name, ended);
    return poll({ read, toText: JSON.stringify, everyMs: this.#options.pollMs }, signal);
  }

  watchNames(signal: AbortSignal): AsyncIterable<readonly string[]> {
    const read = async (ended: AbortSignal) => {
      const services = await this.#catalogue.services(ended);
      return services.map((service) => toServiceName(service, this.#options)).sort();
    };
    return poll({ read, toText: JSON.stringify, everyMs: this.#options.pollMs }, signal);
  }

  /** The entries stay until their time is over: the containers do, and the next process takes them over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  async #register({ key, content }: Entry, signal: AbortSignal): Promise<readonly Refusal[]> {
    const place = placeOf(key);
    const registration = parseContent(content);
    const refusal =
      (await this.#client.register(place, registration, signal)) ??
      (await this.#overlay(key, registration, signal));
    if (refusal !== undefined) return [{ key, because: refusal }];
    this.#own.written(key, content);
    this.#heartbeats.keep(key);
    return [];
  }

  async #overlay(key: string, registration: Registration, signal: AbortSignal): Promise<string | undefined> {
    const overlay = this.#own.overlay(key);
    if (overlay === undefined) return undefined;
    const enabled = registration.enabled && !overlay.isTakenOut;
    return this.#client.update(placeOf(key), { ...registration, enabled }, signal);
  }

  async #deregister(key: string, signal: AbortSignal): Promise<readonly Refusal[]> {
    const because = await this.#client.deregister(placeOf(key), signal);
    if (because !== undefined) return [{ key, because }];
    this.#own.removed(key);
    this.#heartbeats.drop(key);
    return [];
  }

  async #renew(key: string, signal: AbortSignal): Promise<boolean> {
    const isKnown = await this.#client.beat(placeOf(key), signal);
    if (!isKnown) this.#own.lost(key);
    return isKnown;
  }

  readonly #isOwn = ({ metadata }: Host): boolean => ownerOf(metadata) === this.#options.node;

  async #listOwnHosts(signal: AbortSignal): Promise<readonly Host[]> {
    if (performance.now() - this.#everythingMs < everythingEveryMs)
      return (await this.#catalogue.ofServices(this.#own.keys().map(placeOf), signal)).filter(this.#isOwn);
    const hosts = await this.#catalogue.everything(signal, this.#isOwn);
    this.#everythingMs = performance.now();
    return hosts;
  }

  /** Why entries cannot stand: others' are left as they are, unless their machine is silent. */
  async #takenByOthers(entries: readonly Entry[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const keys = entries.map(({ key }) => key);
    const others = (await this.#hostsAt(keys, signal)).filter((host) => host.healthy && !this.#isOwn(host));
    const because = new Map(others.map((host) => [toAddressKey(host), describe(host)]));
    return new Map(
      keys.flatMap((key) => {
        const text = because.get(toAddressKey(placeOf(key)));
        return text === undefined ? [] : [[key, text]];
      }),
    );
  }

  async #hostsAt(keys: readonly string[], signal: AbortSignal): Promise<readonly Host[]> {
    if (keys.length === 0) return [];
    const places = keys.map(placeOf);
    const wanted = new Set(places.map(toAddressKey));
    return (await this.#catalogue.ofServices(places, signal)).filter((host) =>
      wanted.has(toAddressKey(host)),
    );
  }
}

function describe({ service, group, ip, port, metadata }: Host): string {
  const owner = ownerOf(metadata);
  const who = owner === undefined ? 'somebody else' : `machine ${owner}`;
  return `nacos: ${ip} port ${port} of ${service} (group ${group}) is registered by ${who} and left as it is`;
}

/** @throws Error for what no entry's key can be */
function placeOf(key: string): Place {
  const place = parseKey(key);
  if (place === undefined) throw new Error(`nacos: "${key}" is no instance's id`);
  return place;
}
