import type { Change, Instance } from './instance.ts';
import type { Store } from './store.ts';

/** A service's name within its namespace. */
export type ServiceKey = { readonly namespace: string; readonly service: string };

export type ChangeListener = (changes: readonly Change[], revision: number) => void;

/** What a view reads of a store. */
export type ViewedStore = Pick<Store, 'dataVersion' | 'revision' | 'changesSince' | 'instances'>;

/**
 * The registry in memory, indexed by what is asked for. `refresh` brings it up to the last commit of anybody else; it is
 * cheap enough to be called before each answer. SQLite tells no connection of its own writes, so a view needs a store
 * that nobody writes through.
 */
export class RegistryView {
  readonly #store: ViewedStore;
  readonly #byId = new Map<string, Instance>();
  readonly #byNamespace = new Index();
  readonly #byService = new Index();
  readonly #byNetwork = new Index();
  readonly #byHost = new Index();
  readonly #byAddress = new Index();
  readonly #listeners = new Set<ChangeListener>();
  #dataVersion: number | undefined;
  #revision = -1;

  constructor(store: ViewedStore) {
    this.#store = store;
    this.refresh();
  }

  /** The revision that this view shows. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Reads what has changed since the last call.
   * @returns whether anything has
   */
  refresh(): boolean {
    const version = this.#store.dataVersion();
    if (version === this.#dataVersion) return false;
    const changes = this.#store.changesSince(this.#revision) ?? this.#compare();
    this.#dataVersion = version;
    this.#follow(changes);
    return changes.length > 0;
  }

  /** The listener is called after the view has changed; the function returned ends that. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get(id: string): Instance | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Instance> {
    return this.#byId.values();
  }

  /** All instances of a service, healthy or not, in the order of their registration. */
  ofService({ namespace, service }: ServiceKey): readonly Instance[] {
    return this.#byService.get(`${namespace}/${service}`);
  }

  /** What the container with this DNS label offers in the network with that label. */
  ofHost(networkLabel: string, host: string): readonly Instance[] {
    return this.#byHost.get(`${networkLabel}/${host}`);
  }

  /** @param address canonical text */
  atAddress(address: string): readonly Instance[] {
    return this.#byAddress.get(address);
  }

  /** Every service with its instances, in no particular order. */
  services(): readonly (ServiceKey & { readonly instances: readonly Instance[] })[] {
    return this.#byService.lists().flatMap((instances) => {
      const [first] = instances;
      return first === undefined ? [] : [{ namespace: first.namespace, service: first.service, instances }];
    });
  }

  hasNamespace(namespace: string): boolean {
    return this.#byNamespace.has(namespace);
  }

  hasNetwork(networkLabel: string): boolean {
    return this.#byNetwork.has(networkLabel);
  }

  /** What leads from what is known to what is there, for a history that does not reach back so far. */
  #compare(): readonly Change[] {
    const revision = this.#store.revision();
    const found = this.#store.instances();
    const ids = new Set(found.map(({ id }) => id));
    const removed = [...this.#byId.values()].filter(({ id }) => !ids.has(id));
    const put = found.filter((instance) => this.#byId.get(instance.id)?.revision !== instance.revision);
    this.#revision = revision;
    return [
      ...removed.map((instance): Change => ({ revision, kind: 'remove', instance })),
      ...put.map((instance): Change => ({ revision, kind: 'put', instance })),
    ];
  }

  #follow(changes: readonly Change[]): void {
    for (const { kind, instance, revision } of changes) {
      const known = this.#byId.get(instance.id);
      if (known !== undefined && (kind === 'remove' || !hasSameKeys(known, instance))) this.#forget(known);
      if (kind === 'put') this.#learn(instance);
      this.#revision = revision;
    }
    if (changes.length === 0) return;
    for (const listener of this.#listeners) listener(changes, this.#revision);
  }

  #learn(instance: Instance): void {
    this.#byId.set(instance.id, instance);
    for (const [index, key] of this.#placesOf(instance)) index.set(key, instance);
  }

  #forget(instance: Instance): void {
    this.#byId.delete(instance.id);
    for (const [index, key] of this.#placesOf(instance)) index.delete(key, instance);
  }

  #placesOf({ namespace, service, address, owner }: Instance): readonly (readonly [Index, string])[] {
    return [
      [this.#byNamespace, namespace],
      [this.#byService, `${namespace}/${service}`],
      [this.#byAddress, address],
      ...(owner.kind === 'container'
        ? ([
            [this.#byNetwork, owner.networkLabel],
            [this.#byHost, `${owner.networkLabel}/${owner.host}`],
          ] as const)
        : []),
    ];
  }
}

/** Whether an instance stays where it is in every index. */
function hasSameKeys(one: Instance, other: Instance): boolean {
  return (
    one.namespace === other.namespace &&
    one.service === other.service &&
    one.address === other.address &&
    hostOf(one) === hostOf(other)
  );
}

function hostOf({ owner }: Instance): string {
  return owner.kind === 'container' ? `${owner.networkLabel}/${owner.host}` : '';
}

/** Instances under keys, each list in the order in which they came; a list that was given out never changes. */
class Index {
  readonly #buckets = new Map<
    string,
    { byId: Map<string, Instance>; list: readonly Instance[] | undefined }
  >();

  has(key: string): boolean {
    return this.#buckets.has(key);
  }

  get(key: string): readonly Instance[] {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return [];
    bucket.list ??= [...bucket.byId.values()];
    return bucket.list;
  }

  set(key: string, instance: Instance): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      this.#buckets.set(key, { byId: new Map([[instance.id, instance]]), list: undefined });
      return;
    }
    bucket.byId.set(instance.id, instance);
    bucket.list = undefined;
  }

  delete(key: string, { id }: Instance): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return;
    bucket.byId.delete(id);
    bucket.list = undefined;
    if (bucket.byId.size === 0) this.#buckets.delete(key);
  }

  lists(): readonly (readonly Instance[])[] {
    return [...this.#buckets.keys()].map((key) => this.get(key));
  }
}
