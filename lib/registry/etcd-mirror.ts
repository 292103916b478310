import type { Etcd, KeyValue, Write } from '../etcd/etcd.ts';
import { toBatches } from './etcd-mirror-batch.ts';
import { NodeLease } from './etcd-mirror-lease.ts';
import { watchService } from './etcd-mirror-watch.ts';
import { instancesPrefix, nodePrefix, parseRecord, recordKey } from './etcd-record.ts';
import { EtcdRecordTable } from './etcd-record-table.ts';
import { type Instance, isHealthy } from './instance.ts';
import type { Mirror } from './mirror.ts';
import type { ServiceKey } from './view.ts';

export type EtcdMirrorOptions = {
  readonly etcd: Etcd;
  /** Where the registry is in the cluster; `/fairlead/registry`, without a slash at the end. */
  readonly prefix: string;
  /** The id of this machine. */
  readonly node: string;
  /** How long entries outlive the process that renews them. */
  readonly ttlSeconds: number;
  /** As the outbox knows it. */
  readonly name: string;
  /** Called when the machine's entries have gone with its lease: everything is to be put again. */
  readonly onLeaseLost?: () => void;
};

export type EtcdMirror = Mirror & {
  /** Keeps the machine's entries alive until the signal; never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/**
 * A registry in etcd: `<prefix>/instances/<machine>/<instance>` with the instance in JSON, all of a machine under one
 * lease. Only keys of this machine are ever written. The client stays the caller's.
 */
export function createEtcdMirror(options: EtcdMirrorOptions): EtcdMirror {
  return new EtcdRegistry(options);
}

class EtcdRegistry implements EtcdMirror {
  readonly name: string;
  readonly #etcd: Etcd;
  readonly #prefix: string;
  readonly #node: string;
  readonly #lease: NodeLease;
  /** Kept, so that what has not changed between two lists is not parsed again. */
  readonly #own: EtcdRecordTable;

  constructor({ etcd, prefix, node, ttlSeconds, name, onLeaseLost = () => undefined }: EtcdMirrorOptions) {
    this.name = name;
    this.#etcd = etcd;
    this.#prefix = prefix;
    this.#node = node;
    this.#own = new EtcdRecordTable(prefix);
    this.#lease = new NodeLease({ etcd, ttlSeconds, onLost: onLeaseLost });
  }

  async put(instances: readonly Instance[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const entries = instances.map((instance) => ({
      key: this.#keyOf(instance),
      value: JSON.stringify(instance),
    }));
    await this.#write(entries, signal);
  }

  async remove(instances: readonly Instance[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#delete(
      instances.map((instance) => this.#keyOf(instance)),
      signal,
    );
  }

  /**
   * What an earlier process of this machine has left stands under another lease, and would go with that: it is taken
   * over. What nobody understands goes.
   */
  async listOwn(signal: AbortSignal): Promise<readonly Instance[]> {
    const { kvs, revision } = await this.#etcd.list(nodePrefix(this.#prefix, this.#node), signal);
    this.#own.follow({ kind: 'whole', revision, kvs });
    const instances = this.#own.records().map(({ instance }) => instance);
    const keys = new Set(instances.map((instance) => this.#keyOf(instance)));
    const isUnderstood = ({ key }: KeyValue) => keys.has(key);
    const nonsense = kvs.filter((kv) => !isUnderstood(kv));
    await this.#delete(
      nonsense.map(({ key }) => key),
      signal,
    );
    const leftBehind = kvs.filter((kv) => isUnderstood(kv) && kv.lease !== this.#lease.id);
    await this.#write(leftBehind, signal);
    return instances;
  }

  async query(service: ServiceKey, signal: AbortSignal): Promise<readonly Instance[]> {
    const { kvs } = await this.#etcd.list(instancesPrefix(this.#prefix), signal);
    return kvs
      .map((kv) => parseRecord(this.#prefix, kv))
      .flatMap((parsed) => (parsed.kind === 'record' ? parsed.record.instance : []))
      .filter((instance) => isHealthy(instance) && isOf(service, instance));
  }

  watch(service: ServiceKey, signal: AbortSignal): AsyncIterable<readonly Instance[]> {
    return watchService(
      { etcd: this.#etcd, prefix: this.#prefix, isWanted: (instance) => isOf(service, instance) },
      signal,
    );
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#lease.keep(signal);
  }

  /** The entries stay: the containers do, and the next process of this machine takes them over. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async #write(
    entries: readonly { readonly key: string; readonly value: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    if (entries.length === 0) return;
    await this.#lease.with(
      (lease) =>
        this.#commit(
          entries.map(({ key, value }) => ({ kind: 'put', key, value, lease })),
          signal,
        ),
      signal,
    );
  }

  #delete(keys: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#commit(
      keys.map((key) => ({ kind: 'delete', key })),
      signal,
    );
  }

  async #commit(writes: readonly Write[], signal: AbortSignal): Promise<void> {
    for (const batch of toBatches(writes)) await this.#etcd.commit({ compare: [], writes: batch }, signal);
  }

  #keyOf({ id }: Instance): string {
    return recordKey(this.#prefix, this.#node, id);
  }
}

function isOf({ namespace, service }: ServiceKey, instance: Instance): boolean {
  return instance.namespace === namespace && instance.service === service;
}
