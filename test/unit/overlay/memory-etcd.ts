import {
  type Committed,
  type Compare,
  type Etcd,
  EtcdError,
  type Grant,
  type KeyValue,
  type Range,
  type Transaction,
  type WatchBatch,
  type Write,
} from '../../../lib/etcd/etcd.ts';

/** What befalls a call: no answer until the time for it is over, a failure before anything is done, or one after all is done. */
export type Mishap = 'silence' | 'before' | 'after';

/** As the client has it for the real server. */
const callLimitMs = 5_000;

/**
 * The calls of an etcd that a lease needs, in memory, with leases that end by a clock of the test and calls that fail when
 * it says so: what the real server does not do on demand, and in thousands of rounds.
 */
export class MemoryEtcd implements Etcd {
  readonly endpoint = 'memory';
  readonly calls: string[] = [];
  /** Asked for each call. */
  mishapOf: (call: string) => Mishap | undefined = () => undefined;
  /** How long a question is under way, and how long its answer. */
  delayMs: () => number = () => 0;
  revision = 1;
  readonly #kvs = new Map<string, KeyValue>();
  readonly #leases = new Map<string, { readonly ttlSeconds: number; endsAt: number }>();
  readonly #nowSeconds: () => number;
  #nextLease = 1;

  constructor(nowSeconds: () => number) {
    this.#nowSeconds = nowSeconds;
  }

  /** As an operator's etcdctl does it, whatever the mishaps. */
  put(key: string, value: string, lease = '0'): void {
    this.#sweep();
    this.#write({ kind: 'put', key, value, lease });
  }

  /** @see put */
  delete(key: string): void {
    this.#write({ kind: 'delete', key });
  }

  /** What there is below a prefix, at this moment. */
  below(prefix: string): readonly KeyValue[] {
    this.#sweep();
    return [...this.#kvs.values()].filter(({ key }) => key.startsWith(prefix));
  }

  get(key: string, signal: AbortSignal): Promise<Range> {
    return this.#call('get', signal, () => this.#range(({ key: each }) => each === key));
  }

  getAll(keys: readonly string[], signal: AbortSignal): Promise<readonly KeyValue[]> {
    return this.#call('get', signal, () => this.#range(({ key }) => keys.includes(key)).kvs);
  }

  list(prefix: string, signal: AbortSignal): Promise<Range> {
    return this.#call('list', signal, () => this.#range(({ key }) => key.startsWith(prefix)));
  }

  commit({ compare, writes }: Transaction, signal: AbortSignal): Promise<Committed> {
    return this.#call('commit', signal, () => {
      const succeeded = compare.every((each) => this.#holds(each));
      if (succeeded) this.#checkLeases(writes);
      if (succeeded) for (const write of writes) this.#write(write);
      return { succeeded, revision: this.revision };
    });
  }

  grant(ttlSeconds: number, signal: AbortSignal): Promise<Grant> {
    return this.#call('grant', signal, () => {
      const id = String(this.#nextLease++);
      this.#leases.set(id, { ttlSeconds, endsAt: this.#nowSeconds() + ttlSeconds });
      return { id, ttlSeconds };
    });
  }

  keepAlive(lease: string, signal: AbortSignal): Promise<number> {
    return this.#call('keepAlive', signal, () => {
      const found = this.#leases.get(lease);
      if (found === undefined) return 0;
      found.endsAt = this.#nowSeconds() + found.ttlSeconds;
      return found.ttlSeconds;
    });
  }

  async revoke(lease: string): Promise<void> {
    this.#end(lease);
  }

  // biome-ignore lint/correctness/useYield: nobody watches here.
  async *watch(): AsyncGenerator<WatchBatch> {
    throw new Error('not in memory');
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #call<T>(name: string, signal: AbortSignal, work: () => T): Promise<T> {
    signal.throwIfAborted();
    this.calls.push(name);
    const mishap = this.mishapOf(name);
    if (mishap === 'silence') return this.#stayAway(signal);
    if (mishap === 'before') throw new EtcdError('unreachable', this.endpoint, 'etcd is away');
    await delay(this.delayMs(), signal);
    this.#sweep();
    const answer = work();
    await delay(this.delayMs(), signal);
    if (mishap === 'after') throw new EtcdError('unreachable', this.endpoint, 'the answer was lost');
    return answer;
  }

  #range(matches: (kv: KeyValue) => boolean): Range {
    return { revision: this.revision, kvs: [...this.#kvs.values()].filter(matches) };
  }

  #holds({ key, target, equals }: Compare): boolean {
    const kv = this.#kvs.get(key);
    return (target === 'create-revision' ? (kv?.createRevision ?? 0) : (kv?.modRevision ?? 0)) === equals;
  }

  #checkLeases(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.kind === 'put' && write.lease !== undefined && !this.#leases.has(write.lease))
        throw new EtcdError('lease-lost', this.endpoint, 'requested lease not found');
    }
  }

  #write(write: Write): void {
    this.revision++;
    const { key } = write;
    if (write.kind === 'delete') {
      this.#kvs.delete(key);
      return;
    }
    const createRevision = this.#kvs.get(key)?.createRevision ?? this.revision;
    const { value, lease = '0' } = write;
    this.#kvs.set(key, { key, value, createRevision, modRevision: this.revision, lease });
  }

  #sweep(): void {
    for (const [id, { endsAt }] of this.#leases) if (endsAt <= this.#nowSeconds()) this.#end(id);
  }

  #end(id: string): void {
    this.#leases.delete(id);
    for (const { key, lease } of this.#kvs.values()) if (lease === id) this.#write({ kind: 'delete', key });
  }

  #stayAway(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const end = (reason: unknown) => {
        clearTimeout(timer);
        reject(reason);
      };
      const failure = new EtcdError('unreachable', this.endpoint, 'etcd does not answer');
      const timer = setTimeout(() => end(failure), callLimitMs);
      signal.addEventListener('abort', () => end(signal.reason));
    });
  }
}

async function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}
