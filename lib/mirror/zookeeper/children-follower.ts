import type { ZooKeeperClient } from '../../zookeeper/client.ts';
import type { Watch } from '../../zookeeper/watches.ts';
import { ZooKeeperError } from '../../zookeeper/zookeeper-error.ts';
import { pipelined, untilAborted } from './pipelined.ts';

export type FollowerOptions<V> = {
  readonly client: ZooKeeperClient;
  /** Whose children are followed; it may be missing. */
  readonly path: string;
  /** What a child's data says; where there is no such function, names alone are followed. */
  readonly read: ((child: string, data: Buffer) => V | undefined) | undefined;
};

/**
 * The children of a node and what they say. Watches come once: each is set by the read that follows the one before, so that
 * nothing is missed; only what they have told of is read again. They do not survive their connection: then all ends, and
 * whoever reads begins anew.
 */
export class ChildrenFollower<V> implements Disposable {
  readonly #options: FollowerOptions<V>;
  readonly #children = new Map<string, Child<V>>();
  #isListStale = true;
  #isLost = false;
  #woken = Promise.withResolvers<void>();

  readonly #watchList: Watch = (what) => {
    this.#isListStale = true;
    this.#wake(what);
  };

  constructor(options: FollowerOptions<V>) {
    this.#options = options;
  }

  /** As the last read has found them. */
  get children(): ReadonlyMap<string, V | undefined> {
    return new Map([...this.#children].map(([name, { value }]) => [name, value]));
  }

  /** Reads what has changed. @throws ZooKeeperError */
  async read(signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    this.#woken = Promise.withResolvers();
    if (this.#isLost)
      throw new ZooKeeperError('CONNECTIONLOSS', `zookeeper: watching ${path}: the connection is lost`);
    if (this.#isListStale) await untilAborted(() => this.#readList(), signal);
    const stale = [...this.#children].filter(([, { isStale }]) => isStale);
    await pipelined(stale, ([name, child]) => this.#readChild(name, child), signal);
  }

  /** Resolves when there is something to read, or with the signal. */
  async changed(signal: AbortSignal): Promise<void> {
    const { resolve, promise } = this.#woken;
    const end = () => resolve();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    await promise;
    signal.removeEventListener('abort', end);
  }

  /** Leaves no watch behind. */
  [Symbol.dispose](): void {
    const { client, path } = this.#options;
    client.forget({ watched: 'children', path, watch: this.#watchList });
    client.forget({ watched: 'data', path, watch: this.#watchList });
    for (const [name, { watch }] of this.#children) this.#forget(name, watch);
  }

  async #readList(): Promise<void> {
    this.#isListStale = false;
    const names = new Set(await this.#list());
    for (const [name, { watch }] of this.#children)
      if (!names.has(name)) {
        this.#children.delete(name);
        this.#forget(name, watch);
      }
    for (const name of names) if (!this.#children.has(name)) this.#children.set(name, this.#newChild());
  }

  /** A node that is missing may come, even between the two reads. */
  async #list(): Promise<readonly string[]> {
    const { client, path } = this.#options;
    const children = await client.getChildren(path, this.#watchList);
    if (children !== undefined) return children;
    const isThere = (await client.exists(path, this.#watchList)) !== undefined;
    return isThere ? this.#list() : [];
  }

  #newChild(): Child<V> {
    const child: Child<V> = {
      isStale: this.#options.read !== undefined,
      value: undefined,
      watch: (what) => {
        child.isStale = true;
        this.#wake(what);
      },
    };
    return child;
  }

  async #readChild(name: string, child: Child<V>): Promise<void> {
    const { client, path, read } = this.#options;
    child.isStale = false;
    const found = await client.getData(`${path}/${name}`, child.watch);
    if (found === undefined) this.#children.delete(name);
    else child.value = read?.(name, found.data);
  }

  #forget(name: string, watch: Watch): void {
    const { client, path } = this.#options;
    client.forget({ watched: 'data', path: `${path}/${name}`, watch });
  }

  #wake(what: 'changed' | 'lost'): void {
    this.#isLost ||= what === 'lost';
    this.#woken.resolve();
  }
}

type Child<V> = { isStale: boolean; value: V | undefined; readonly watch: Watch };
