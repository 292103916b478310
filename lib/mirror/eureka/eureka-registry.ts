import { HttpFailure } from '../../http/http-failure.ts';
import { type Instance, isHealthy } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import { abreast } from '../abreast.ts';
import { Heartbeats } from '../heartbeats.ts';
import type { Entry, OpenOptions, OutsideRegistry, Refusal } from '../mirror.ts';
import { outsideName } from '../service-name.ts';
import { EurekaClient } from './client.ts';
import type { EurekaConfig } from './config.ts';
import { Feed } from './feed.ts';
import { type InstanceInfo, parseInstanceInfo, type RawInstance } from './instance-info.ts';
import { Knowledge, type Seen } from './knowledge.ts';
import {
  keyOf,
  ownIndex,
  parseOwnKey,
  renderRegistration,
  statusIn,
  toApp,
  toContent,
  withStatus,
} from './registration.ts';
import { toRegistryInstance } from './to-instance.ts';

/** Calls under way at once for one delivery: Eureka takes entries one by one. */
const width = 16;

/**
 * A Eureka registry. An entry is `<SERVICE>/<machine>:<instance>`, so that no two machines write the same one; each has a
 * lease of its own, which heartbeats renew.
 */
export class EurekaRegistry implements OutsideRegistry {
  readonly name: string;
  readonly #node: string;
  readonly #ttlMs: number;
  readonly #client: EurekaClient;
  readonly #heartbeats: Heartbeats;
  readonly #knowledge = new Knowledge();
  readonly #feed: Feed;

  constructor(config: EurekaConfig, { name, node }: OpenOptions) {
    this.name = name;
    this.#node = node;
    this.#ttlMs = config.ttlMs;
    this.#client = new EurekaClient(config);
    this.#heartbeats = new Heartbeats({
      intervalMs: config.ttlMs / 3,
      renew: (key, signal) => this.#renew(key, signal),
    });
    this.#feed = new Feed({ client: this.#client, pollMs: config.pollMs });
  }

  render(instance: Instance): readonly Entry[] {
    return [renderRegistration(instance, { node: this.#node, ttlMs: this.#ttlMs })];
  }

  async put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    const refusals = await abreast(entries, width, (entry) => this.#put(entry, signal));
    return refusals.flat();
  }

  async remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    await abreast(keys, width, (key) => this.#remove(key, signal));
    return [];
  }

  /** The server's list may be half a minute old: where it says something else than what was written since, entries are looked at one by one. */
  async listOwn(signal: AbortSignal): Promise<readonly Entry[]> {
    signal.throwIfAborted();
    const found = new Map(await this.#listed(signal));
    await this.#look(this.#knowledge.doubtful(found), found, signal);
    this.#knowledge.replace(found);
    for (const key of this.#heartbeats.keys()) if (!found.has(key)) this.#heartbeats.drop(key);
    for (const key of found.keys()) this.#heartbeats.keep(key);
    return [...found].map(([key, { content }]) => ({ key, content }));
  }

  run(onLost: () => void, signal: AbortSignal): Promise<void> {
    return this.#heartbeats.run(onLost, signal);
  }

  nameOf(service: ServiceKey): string {
    return toApp(outsideName(service));
  }

  async query(name: string, signal: AbortSignal): Promise<readonly Instance[]> {
    signal.throwIfAborted();
    const found = await this.#client.application(toApp(name), signal);
    return this.#healthy(found.flatMap((raw) => parseInstanceInfo(raw) ?? []));
  }

  async *watch(name: string, signal: AbortSignal): AsyncGenerator<readonly Instance[]> {
    let seen: readonly InstanceInfo[] | undefined;
    let told: string | undefined;
    for await (const table of this.#feed.follow(signal)) {
      const infos = table.instancesOf(toApp(name));
      if (infos === seen) continue;
      seen = infos;
      const instances = this.#healthy(infos);
      const text = JSON.stringify(instances);
      if (text === told) continue;
      told = text;
      yield instances;
    }
  }

  async *watchNames(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    let told: readonly string[] | undefined;
    for await (const table of this.#feed.follow(signal)) {
      const names = table.names();
      if (names === told) continue;
      told = names;
      yield names;
    }
  }

  /** The entries stay for as long as their leases: the containers do, and the next process of this machine renews them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  async #put({ key, content }: Entry, signal: AbortSignal): Promise<readonly Refusal[]> {
    const place = parseOwnKey(key, this.#node);
    if (place === undefined) return [{ key, because: `not an entry of the machine ${this.#node}` }];
    const status = statusIn(content);
    if (await this.#isStuck(key, status, signal))
      await this.#client.register(place, withStatus(content, 'DOWN'), signal);
    const because = await this.#client.register(place, content, signal);
    if (because !== undefined) return [{ key, because }];
    this.#knowledge.put(key, { content, status });
    this.#heartbeats.keep(key);
    return [];
  }

  /** What is UP or OUT_OF_SERVICE stays so, whatever its client registers, unless it was DOWN meanwhile. */
  async #isStuck(key: string, wanted: string, signal: AbortSignal): Promise<boolean> {
    if (wanted === 'DOWN') return false;
    const known = this.#knowledge.statusOf(key);
    const place = parseOwnKey(key, this.#node);
    const there =
      known === 'unknown' && place !== undefined ? (await this.#client.find(place, signal))?.status : known;
    return there !== wanted && (there === 'UP' || there === 'OUT_OF_SERVICE');
  }

  async #remove(key: string, signal: AbortSignal): Promise<void> {
    const place = parseOwnKey(key, this.#node);
    if (place === undefined) return;
    this.#heartbeats.drop(key);
    await this.#client.deregister(place, signal);
    this.#knowledge.remove(key);
  }

  async #renew(key: string, signal: AbortSignal): Promise<boolean> {
    const place = parseOwnKey(key, this.#node);
    if (place !== undefined && (await this.#client.renew(place, signal))) return true;
    this.#knowledge.remove(key);
    return false;
  }

  async #listed(signal: AbortSignal): Promise<readonly (readonly [string, Seen])[]> {
    try {
      const { instances } = await this.#client.ofSecureName(ownIndex(this.#node), signal);
      return instances.flatMap((raw) => this.#toSeen(raw));
    } catch (failure) {
      if (!(failure instanceof HttpFailure) || failure.status !== 403) throw failure;
      // A server that has started without peers answers no lists for minutes, and everything else.
      const found = new Map<string, Seen>();
      await this.#look(this.#heartbeats.keys(), found, signal);
      return [...found];
    }
  }

  /** Makes entries as they are in this moment. */
  async #look(keys: readonly string[], found: Map<string, Seen>, signal: AbortSignal): Promise<void> {
    await abreast(keys, width, async (key) => {
      const place = parseOwnKey(key, this.#node);
      const raw = place && (await this.#client.find(place, signal));
      found.delete(key);
      for (const [own, seen] of raw === undefined ? [] : this.#toSeen(raw)) found.set(own, seen);
    });
  }

  #toSeen(raw: RawInstance): readonly (readonly [string, Seen])[] {
    const key = keyOf(raw, this.#node);
    return key === undefined ? [] : [[key, { content: toContent(raw), status: String(raw.status) }]];
  }

  #healthy(infos: readonly InstanceInfo[]): readonly Instance[] {
    return infos.flatMap((info) => toRegistryInstance(info, this.name) ?? []).filter(isHealthy);
  }
}
