import type { Instance } from './instance.ts';

/**
 * Instances under keys. Each list has this machine's own first, and otherwise the order in which they came; one that was
 * given out never changes.
 */
export class Index {
  readonly #isImported: (instance: Instance) => boolean;
  readonly #buckets = new Map<string, Bucket>();

  constructor(isImported: (instance: Instance) => boolean) {
    this.#isImported = isImported;
  }

  has(key: string): boolean {
    return this.#buckets.has(key);
  }

  get(key: string): readonly Instance[] {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return [];
    bucket.list ??= this.#ownFirst([...bucket.byId.values()]);
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

  #ownFirst(instances: readonly Instance[]): readonly Instance[] {
    const imported = instances.filter(this.#isImported);
    if (imported.length === 0 || imported.length === instances.length) return instances;
    return [...instances.filter((instance) => !this.#isImported(instance)), ...imported];
  }
}

type Bucket = { readonly byId: Map<string, Instance>; list: readonly Instance[] | undefined };
