import type { Imports } from './imports.ts';
import type { Change, Instance } from './instance.ts';
import type { Store } from './store.ts';
import { Index } from './view-index.ts';

/** A service's name within its namespace. */
export type ServiceKey = { readonly namespace: string; readonly service: string };

export type ChangeListener = (changes: readonly Change[], revision: number) => void;

/** What a view reads of a store. */
export type ViewedStore = Pick<Store, 'dataVersion' | 'revision' | 'changesSince' | 'instances'>;

/** What a view reads of other machines' instances. */
export type ViewedImports = Pick<Imports, 'revision' | 'changesSince' | 'instances' | 'get'>;

/**
 * The registry in memory, indexed by what is asked for: this machine's own, and beside it what is imported. `refresh`
 * brings it up to the last commit of anybody else; it is cheap enough to be called before each answer. SQLite tells no
 * connection of its own writes, so a view needs a store that nobody writes through. Where an id is this machine's and
 * also another's, the view shows this machine's.
 */
export class RegistryView {
  readonly #store: ViewedStore;
  readonly #imports: ViewedImports | undefined;
  readonly #byId = new Map<string, Instance>();
  /** Ids of those that are shown and imported. */
  readonly #imported = new Set<string>();
  readonly #byNamespace = this.#createIndex();
  readonly #byService = this.#createIndex();
  readonly #byNetwork = this.#createIndex();
  readonly #byHost = this.#createIndex();
  readonly #byAddress = this.#createIndex();
  readonly #listeners = new Set<ChangeListener>();
  #dataVersion: number | undefined;
  #storeRevision = -1;
  #importsRevision: number;

  constructor(store: ViewedStore, imports?: ViewedImports) {
    this.#store = store;
    this.#imports = imports;
    this.#importsRevision = imports === undefined ? 0 : -1;
    this.refresh();
  }

  /** The revision that this view shows: it grows with either, so that nobody takes one state for another. */
  get revision(): number {
    return this.#storeRevision + this.#importsRevision;
  }

  /** The store's revision that this view shows. */
  get storeRevision(): number {
    return this.#storeRevision;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Reads what has changed since the last call.
   * @returns whether anything has
   */
  refresh(): boolean {
    const changes = [...this.#followStore(), ...this.#followImports()];
    if (changes.length === 0) return false;
    for (const listener of this.#listeners) listener(changes, this.revision);
    return true;
  }

  /**
   * What leads from a revision to the one that is shown, in order, as far as the store remembers; undefined where it does
   * not, and where instances are imported, whose past nobody has kept.
   */
  storedChangesSince(revision: number): readonly Change[] | undefined {
    if (this.#imports !== undefined) return undefined;
    const changes = this.#store.changesSince(revision);
    return changes?.filter((change) => change.revision <= this.#storeRevision);
  }

  /** Whether an instance is another machine's, which alone may change it. */
  isImported({ id }: Pick<Instance, 'id'>): boolean {
    return this.#imported.has(id);
  }

  /** The listener is called after the view has changed; the function returned ends that. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get(id: string): Instance | undefined {
    return this.#byId.get(id);
  }

  /** The same, where it is this machine's own. */
  getOwn(id: string): Instance | undefined {
    return this.#imported.has(id) ? undefined : this.#byId.get(id);
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

  #followStore(): readonly Change[] {
    const version = this.#store.dataVersion();
    if (version === this.#dataVersion) return [];
    const changes = this.#store.changesSince(this.#storeRevision) ?? this.#compareStore();
    this.#dataVersion = version;
    return changes.flatMap((change) => this.#followOwn(change));
  }

  #followImports(): readonly Change[] {
    if (this.#imports === undefined || this.#imports.revision === this.#importsRevision) return [];
    const changes = this.#imports.changesSince(this.#importsRevision) ?? this.#compareImports(this.#imports);
    const followed = changes.flatMap((change) => this.#followImported(change));
    this.#importsRevision = this.#imports.revision;
    return followed;
  }

  /** What leads from what is known to what is there, for a history that does not reach back so far. */
  #compareStore(): readonly Change[] {
    const revision = this.#store.revision();
    const found = this.#store.instances();
    const ids = new Set(found.map(({ id }) => id));
    const known = [...this.#byId.values()].filter((instance) => !this.isImported(instance));
    const revisions = new Map(known.map((instance) => [instance.id, instance.revision]));
    const put = found.filter((instance) => revisions.get(instance.id) !== instance.revision);
    this.#storeRevision = revision;
    return toChanges(revision, { removed: known.filter(({ id }) => !ids.has(id)), put });
  }

  #compareImports(imports: ViewedImports): readonly Change[] {
    const shown = [...this.#imported].flatMap((id) => this.#byId.get(id) ?? []);
    const removed = shown.filter(({ id }) => imports.get(id) === undefined);
    const put = imports.instances().filter((instance) => this.#byId.get(instance.id) !== instance);
    return toChanges(imports.revision, { removed, put });
  }

  /** What goes here may still be another machine's. */
  #followOwn({ kind, instance, revision }: Change): readonly Change[] {
    this.#storeRevision = revision;
    const other = kind === 'remove' ? this.#imports?.get(instance.id) : undefined;
    if (kind === 'put') this.#imported.delete(instance.id);
    if (other !== undefined) this.#imported.add(instance.id);
    return this.#show(other === undefined ? { kind, instance } : { kind: 'put', instance: other });
  }

  #followImported({ kind, instance, revision }: Change): readonly Change[] {
    this.#importsRevision = revision;
    const { id } = instance;
    const shown = this.#byId.get(id);
    const isOwn = shown !== undefined && !this.isImported(instance);
    const isShown = kind === 'put' ? shown === instance : shown === undefined;
    if (isOwn || isShown) return [];
    if (kind === 'put') this.#imported.add(id);
    else this.#imported.delete(id);
    return this.#show({ kind, instance });
  }

  /** What takes another's place, or moves, is told as gone first: who follows one service would miss it there. */
  #show({ kind, instance }: Omit<Change, 'revision'>): readonly Change[] {
    const known = this.#byId.get(instance.id);
    const isGoing = known !== undefined && (kind === 'remove' || !isSameSubject(known, instance));
    if (isGoing) this.#forget(known);
    if (kind === 'remove') return [{ revision: this.revision, kind, instance }];
    this.#learn(instance);
    const { revision } = this;
    return [
      ...(isGoing ? [{ revision, kind: 'remove', instance: known } as const] : []),
      { revision, kind, instance },
    ];
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

  #createIndex(): Index {
    return new Index((instance) => this.isImported(instance));
  }
}

function toChanges(
  revision: number,
  { removed, put }: { readonly removed: readonly Instance[]; readonly put: readonly Instance[] },
): readonly Change[] {
  return [
    ...removed.map((instance): Change => ({ revision, kind: 'remove', instance })),
    ...put.map((instance): Change => ({ revision, kind: 'put', instance })),
  ];
}

/** Whether an instance stays where it is in every index, and whose it is. */
function isSameSubject(one: Instance, other: Instance): boolean {
  return (
    one.owner.node === other.owner.node &&
    one.namespace === other.namespace &&
    one.service === other.service &&
    one.address === other.address &&
    hostOf(one) === hostOf(other)
  );
}

function hostOf({ owner }: Instance): string {
  return owner.kind === 'container' ? `${owner.networkLabel}/${owner.host}` : '';
}
