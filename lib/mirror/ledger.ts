import type { Instance } from '../registry/instance.ts';
import type { Entry, Mirror } from './mirror.ts';

/** What is to stand in an outside registry, as the instances of this machine say it. */
export class Ledger {
  readonly #render: Mirror['render'];
  readonly #keysOf = new Map<string, readonly string[]>();
  readonly #claims = new Map<string, readonly Claim[]>();

  constructor(render: Mirror['render'], instances: readonly Instance[]) {
    this.#render = render;
    for (const instance of instances) this.put(instance);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#claims.size;
  }

  /** @returns the keys under which something may stand now that did not before */
  put(instance: Instance): readonly string[] {
    const before = this.remove(instance.id);
    const entries = this.#render(instance);
    for (const { key, content } of entries) {
      const claims = [...(this.#claims.get(key) ?? []), { id: instance.id, content }];
      this.#claims.set(key, claims.length > 1 ? claims.toSorted(byId) : claims);
    }
    const keys = entries.map(({ key }) => key);
    if (keys.length > 0) this.#keysOf.set(instance.id, keys);
    return [...new Set([...before, ...keys])];
  }

  /** @returns the keys that the instance had claimed */
  remove(id: string): readonly string[] {
    const keys = this.#keysOf.get(id) ?? [];
    this.#keysOf.delete(id);
    for (const key of keys) {
      const others = (this.#claims.get(key) ?? []).filter((claim) => claim.id !== id);
      if (others.length === 0) this.#claims.delete(key);
      else this.#claims.set(key, others);
    }
    return keys;
  }

  /** What is to stand there; undefined for nothing. */
  content(key: string): string | undefined {
    return this.#claims.get(key)?.[0]?.content;
  }

  /** The ids of the instances that claim a key. */
  claimants(key: string): readonly string[] {
    return (this.#claims.get(key) ?? []).map(({ id }) => id);
  }

  entries(): readonly Entry[] {
    return [...this.#claims].flatMap(([key, [first]]) =>
      first === undefined ? [] : [{ key, content: first.content }],
    );
  }
}

type Claim = { readonly id: string; readonly content: string };

/** The same on every machine and in every process. */
function byId(one: Claim, other: Claim): number {
  return one.id < other.id ? -1 : 1;
}
