import type { NodeChange } from './reply.ts';

/** Called once: the node may have changed, or the connection that would have told of it is lost. */
export type Watch = (what: 'changed' | 'lost') => void;

/** What of a node is watched: `data` also whether there is one. */
export type Watched = 'data' | 'children';

/** Which changes a server tells to which watches. */
const told: Readonly<Record<NodeChange, readonly Watched[]>> = {
  created: ['data'],
  data: ['data'],
  children: ['children'],
  deleted: ['data', 'children'],
};

/** The watches that a connection's server keeps for us; each comes once. */
export class Watches {
  readonly #byNode: Readonly<Record<Watched, Map<string, Set<Watch>>>> = {
    data: new Map(),
    children: new Map(),
  };

  add(watched: Watched, path: string, watch: Watch): void {
    const ofNode = this.#byNode[watched].get(path);
    if (ofNode === undefined) this.#byNode[watched].set(path, new Set([watch]));
    else ofNode.add(watch);
  }

  /** Of a node that somebody watches for the second time only one event comes: all who wait for it are told. */
  tell(change: NodeChange, path: string): void {
    for (const watched of told[change]) {
      const ofNode = this.#byNode[watched].get(path) ?? [];
      this.#byNode[watched].delete(path);
      for (const watch of ofNode) watch('changed');
    }
  }

  /** Whoever has stopped caring is told nothing; the server's own watch goes with its first event. */
  forget(watched: Watched, path: string, watch: Watch): void {
    const ofNode = this.#byNode[watched].get(path);
    ofNode?.delete(watch);
    if (ofNode?.size === 0) this.#byNode[watched].delete(path);
  }

  lose(): void {
    const lost = Object.values(this.#byNode).flatMap((byNode) =>
      [...byNode.values()].flatMap((each) => [...each]),
    );
    for (const byNode of Object.values(this.#byNode)) byNode.clear();
    for (const watch of new Set(lost)) watch('lost');
  }
}
