import { TimeLimit } from '../http/time-limit.ts';
import { readAnswer } from './answer.ts';
import { Authentication } from './authentication.ts';
import { Cluster } from './cluster.ts';
import type { EtcdConfig } from './config.ts';
import {
  type Committed,
  type Etcd,
  EtcdError,
  type Grant,
  type KeyValue,
  type Range,
  type Transaction,
  type WatchBatch,
} from './etcd.ts';
import { type Asked, parseRefusal, toFailure } from './failure.ts';
import { type Page, parsePage, toKeyRange } from './key-values.ts';
import { parseCommitted, parseReads, renderReads, renderTransaction } from './transaction.ts';
import { type OpenWatch, openWatch, renderWatch } from './watch.ts';
import { int64Of, int64TextOf, type JsonObject, objectOf, TooLong, toBase64 } from './wire.ts';

/** A client of a cluster. Connects, authenticates and reads the configured files when it is asked first. */
export function connectEtcd(config: EtcdConfig): Etcd {
  return new EtcdClient(config);
}

/** Keys that are asked for at once. */
const pageSize = 500;

/** The same where values are large: so many of the largest that etcd takes fit into one answer. */
const smallPageSize = 25;

/** Keys that one transaction reads: so many operations etcd allows, unless it was told otherwise. */
const mostReads = 128;

/** How often a list is begun anew because its revision was compacted meanwhile. */
const mostLists = 3;

type Question<T> = {
  readonly name: string;
  readonly body: object;
  readonly parse: (answer: JsonObject, asked: Asked) => T;
};

class EtcdClient implements Etcd {
  readonly #cluster: Cluster;
  readonly #authentication: Authentication;
  readonly #closed = new AbortController();
  readonly #timeoutMs: number;

  constructor(config: EtcdConfig) {
    this.#cluster = new Cluster(config);
    this.#authentication = new Authentication(this.#cluster, config, this.#closed.signal);
    this.#timeoutMs = config.timeoutMs;
  }

  get endpoint(): string {
    return this.#cluster.endpoint;
  }

  async get(key: string, signal: AbortSignal): Promise<Range> {
    const { revision, kvs } = await this.#range({ key: toBase64(key) }, signal);
    return { revision, kvs };
  }

  async getAll(keys: readonly string[], signal: AbortSignal): Promise<readonly KeyValue[]> {
    const found: KeyValue[] = [];
    for (let from = 0; from < keys.length; from += mostReads) {
      const body = renderReads(keys.slice(from, from + mostReads));
      found.push(...(await this.#ask({ name: 'kv/txn', body, parse: parseReads }, signal)));
    }
    return found;
  }

  async list(prefix: string, signal: AbortSignal): Promise<Range> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listOnce(prefix, signal);
      } catch (error) {
        if (!(error instanceof EtcdError) || error.kind !== 'compacted' || attempt === mostLists) throw error;
      }
    }
  }

  commit(transaction: Transaction, signal: AbortSignal): Promise<Committed> {
    const body = renderTransaction(transaction);
    return this.#ask({ name: 'kv/txn', body, parse: parseCommitted }, signal);
  }

  grant(ttlSeconds: number, signal: AbortSignal): Promise<Grant> {
    const body = { TTL: String(ttlSeconds) };
    return this.#ask({ name: 'lease/grant', body, parse: parseGrant }, signal);
  }

  keepAlive(lease: string, signal: AbortSignal): Promise<number> {
    return this.#ask({ name: 'lease/keepalive', body: { ID: lease }, parse: parseTimeToLive }, signal);
  }

  async revoke(lease: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#ask({ name: 'lease/revoke', body: { ID: lease }, parse: () => undefined }, signal);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.kind !== 'lease-lost') throw error;
    }
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    let open: OpenWatch | undefined;
    const close = () => open?.close();
    using ending = new TimeLimit([signal, this.#closed.signal], undefined);
    ending.signal.addEventListener('abort', close);
    try {
      open = await this.#openWatch(prefix, fromRevision, signal);
      ending.signal.throwIfAborted();
      yield* open.batches;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error('the client is closed'));
    this.#cluster[Symbol.dispose]();
  }

  async #listOnce(prefix: string, signal: AbortSignal): Promise<Range> {
    try {
      return await this.#listBy(pageSize, prefix, signal);
    } catch (error) {
      if (!isTooLong(error)) throw error;
      return await this.#listBy(smallPageSize, prefix, signal);
    }
  }

  /** All pages at the revision of the first. */
  async #listBy(limit: number, prefix: string, signal: AbortSignal): Promise<Range> {
    const { range_end, key } = toKeyRange(prefix);
    let page = await this.#range({ key, range_end, limit }, signal);
    const { revision } = page;
    const kvs = [...page.kvs];
    while (page.next !== undefined) {
      page = await this.#range({ key: page.next, range_end, limit, revision: String(revision) }, signal);
      kvs.push(...page.kvs);
    }
    return { revision, kvs };
  }

  #range(body: object, signal: AbortSignal): Promise<Page> {
    return this.#ask({ name: 'kv/range', body, parse: parsePage }, signal);
  }

  #ask<T>({ name, body, parse }: Question<T>, signal: AbortSignal): Promise<T> {
    return this.#within(signal, (limited, token) =>
      this.#cluster.ask({
        name,
        body,
        connection: 'shared',
        token,
        read: async (answer, asked) => parse(await readAnswer(answer, asked), asked),
        signal: limited,
      }),
    );
  }

  #openWatch(prefix: string, fromRevision: number, signal: AbortSignal): Promise<OpenWatch> {
    const body = renderWatch(prefix, fromRevision);
    return this.#within(signal, (limited, token) =>
      this.#cluster.ask({ name: 'watch', body, connection: 'own', token, read: openWatch, signal: limited }),
    );
  }

  /** A call of at most the configured time, authentication and all endpoints included. */
  async #within<T>(
    signal: AbortSignal,
    call: (limited: AbortSignal, token: string | undefined) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    using limit = new TimeLimit([signal, this.#closed.signal], this.#timeoutMs);
    try {
      return await this.#authentication.with((token) => call(limit.signal, token), limit.signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }
}

function parseGrant(answer: JsonObject): Grant {
  return { id: int64TextOf(answer.ID, 'the lease'), ttlSeconds: int64Of(answer.TTL, 'TTL') };
}

/** One line of a stream: an answer of 200 may still be a failure, and a lease that is gone has no TTL. */
function parseTimeToLive(answer: JsonObject, asked: Asked): number {
  const refusal = parseRefusal(answer);
  if (refusal !== undefined) throw toFailure(refusal, asked);
  return int64Of(objectOf(answer.result, 'the result').TTL, 'TTL');
}

/** Whatever else went wrong with it: of several endpoints, each has its own failure. */
function isTooLong(error: unknown): boolean {
  return error instanceof Error && (error.cause instanceof TooLong || isTooLong(error.cause));
}
