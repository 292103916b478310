import {
  type Compare,
  type Etcd,
  EtcdError,
  type Grant,
  type KeyValue,
  type Range,
  type Transaction,
  type WatchBatch,
} from '../../lib/etcd/etcd.ts';

/**
 * As much of a cluster as the mirror's own steps need: keys, leases that a test ends, and failures that it orders. What
 * a real server does is tested with one (test/contract/etcd-mirror.test.ts).
 */
export class EtcdInMemory implements Etcd {
  readonly endpoint = 'http://memory:2379';
  readonly keys = new Map<string, KeyValue>();
  /** Every transaction that was committed. */
  readonly commits: Transaction[] = [];
  /** Thrown by the next calls of that name, one each. */
  readonly failures: { readonly call: 'commit' | 'keepAlive' | 'grant' | 'list'; readonly error: Error }[] =
    [];
  readonly #leases = new Set<string>();
  #revision = 1;

  get leases(): readonly string[] {
    return [...this.#leases];
  }

  /** The lease ends, and takes its keys away. */
  expire(lease: string): void {
    this.#leases.delete(lease);
    for (const [key, kv] of this.keys) if (kv.lease === lease) this.keys.delete(key);
  }

  /** As somebody else would write it. */
  write(key: string, value: string, lease = '0'): void {
    const modRevision = ++this.#revision;
    const createRevision = this.keys.get(key)?.createRevision ?? modRevision;
    this.keys.set(key, { key, value, lease, createRevision, modRevision });
  }

  async get(key: string, signal: AbortSignal): Promise<Range> {
    signal.throwIfAborted();
    const kv = this.keys.get(key);
    return { revision: this.#revision, kvs: kv === undefined ? [] : [kv] };
  }

  async getAll(keys: readonly string[], signal: AbortSignal): Promise<readonly KeyValue[]> {
    signal.throwIfAborted();
    return keys.flatMap((key) => this.keys.get(key) ?? []);
  }

  async list(prefix: string, signal: AbortSignal): Promise<Range> {
    signal.throwIfAborted();
    this.#fail('list');
    const kvs = [...this.keys.values()].filter(({ key }) => key.startsWith(prefix));
    return { revision: this.#revision, kvs };
  }

  async commit(transaction: Transaction, signal: AbortSignal) {
    signal.throwIfAborted();
    this.#fail('commit');
    if (!transaction.compare.every((compare) => this.#holds(compare)))
      return { succeeded: false, revision: this.#revision };
    for (const write of transaction.writes) {
      const lease = write.kind === 'put' ? (write.lease ?? '0') : '0';
      if (lease !== '0' && !this.#leases.has(lease))
        throw new EtcdError('lease-lost', this.endpoint, 'requested lease not found');
    }
    this.commits.push(transaction);
    for (const write of transaction.writes) {
      if (write.kind === 'put') this.write(write.key, write.value, write.lease);
      else this.keys.delete(write.key);
    }
    return { succeeded: true, revision: this.#revision };
  }

  async grant(ttlSeconds: number, signal: AbortSignal): Promise<Grant> {
    signal.throwIfAborted();
    this.#fail('grant');
    const id = String(7_587_000_000_000_000_001n + BigInt(++this.#revision));
    this.#leases.add(id);
    return { id, ttlSeconds };
  }

  async keepAlive(lease: string, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    this.#fail('keepAlive');
    return this.#leases.has(lease) ? 30 : 0;
  }

  async revoke(lease: string): Promise<void> {
    this.expire(lease);
  }

  async *watch(): AsyncGenerator<WatchBatch> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #holds({ key, target, equals }: Compare): boolean {
    const { createRevision = 0, modRevision = 0 } = this.keys.get(key) ?? {};
    return equals === (target === 'create-revision' ? createRevision : modRevision);
  }

  #fail(call: string): void {
    const at = this.failures.findIndex((failure) => failure.call === call);
    const [failure] = at === -1 ? [] : this.failures.splice(at, 1);
    if (failure !== undefined) throw failure.error;
  }
}
