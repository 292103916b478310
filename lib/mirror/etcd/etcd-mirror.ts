import type { Etcd, KeyValue, Write } from '../../etcd/etcd.ts';
import { type Followed, follow } from '../../etcd/follow.ts';
import { type Instance, isHealthy } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import { Latest } from '../latest.ts';
import type { Entry, OpenOptions, OutsideRegistry, Refusal } from '../mirror.ts';
import { toBatches } from './batch.ts';
import type { EtcdMirrorConfig } from './config.ts';
import { NodeLease } from './node-lease.ts';
import { instancesPrefix, nodePrefix, parseRecord, recordKey } from './record.ts';
import { EtcdRecordTable } from './record-table.ts';
import { isReverseKey, parseSkyDnsOwner, renderSkyDns } from './skydns.ts';
import { watchService } from './watch.ts';

export type EtcdMirrorOptions = OpenOptions &
  Pick<EtcdMirrorConfig, 'prefix' | 'ttlSeconds' | 'skydns'> & { readonly etcd: Etcd };

/**
 * A registry in etcd: `<prefix>/instances/<machine>/<instance>` with the instance in JSON, and beside it, in the same
 * transaction where it fits into one, what CoreDNS reads; all of a machine under one lease. The client stays the caller's.
 */
export function createEtcdMirror(options: EtcdMirrorOptions): OutsideRegistry {
  return new EtcdRegistry(options);
}

class EtcdRegistry implements OutsideRegistry {
  readonly name: string;
  readonly #options: EtcdMirrorOptions;
  readonly #lease: NodeLease;

  constructor(options: EtcdMirrorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#lease = new NodeLease(options);
  }

  render(instance: Instance): readonly Entry[] {
    const { prefix, node, skydns } = this.#options;
    const record = { key: recordKey(prefix, node, instance.id), content: JSON.stringify(instance) };
    return skydns === undefined ? [record] : [record, ...renderSkyDns(instance, node, skydns)];
  }

  async put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    const { skydns } = this.#options;
    const shared = entries.filter(({ key }) => skydns !== undefined && isReverseKey(key, skydns));
    const taken = await this.#ofOthers(shared, signal);
    const own = entries.filter(({ key }) => !taken.has(key));
    if (own.length > 0) await this.#write(own, signal);
    return [];
  }

  /** Records last: what CoreDNS reads is found by them. */
  async remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    const records = keys.filter((key) => key.startsWith(this.#ownPrefix));
    const besides = keys.filter((key) => !key.startsWith(this.#ownPrefix));
    const found = await this.#options.etcd.getAll(besides, signal);
    const own = found.filter((kv) => this.#isOwn(kv)).map(({ key }) => key);
    await this.#commit(
      [...own, ...records].map((key) => ({ kind: 'delete', key })),
      signal,
    );
    return [];
  }

  /**
   * What an earlier process of this machine has left stands under another lease, and would go with that: it is listed as
   * something else than it should be, so that it is written anew.
   */
  async listOwn(signal: AbortSignal): Promise<readonly Entry[]> {
    const { etcd, prefix, skydns } = this.#options;
    const { kvs } = await etcd.list(this.#ownPrefix, signal);
    const records = kvs.map((kv) => this.#toEntry(kv));
    if (skydns === undefined) return records;
    const keys = kvs.flatMap((kv) => {
      const parsed = parseRecord(prefix, kv);
      return parsed.kind === 'record' ? this.render(parsed.record.instance).map(({ key }) => key) : [];
    });
    const besides = new Set(keys.filter((key) => !key.startsWith(this.#ownPrefix)));
    const found = await etcd.getAll([...besides], signal);
    return [...records, ...found.filter((kv) => this.#isOwn(kv)).map((kv) => this.#toEntry(kv))];
  }

  run(onLost: () => void, signal: AbortSignal): Promise<void> {
    return this.#lease.keep(onLost, signal);
  }

  /** All names are of ours: `web.default`. */
  nameOf({ namespace, service }: ServiceKey): string {
    return `${service}.${namespace}`;
  }

  async query(name: string, signal: AbortSignal): Promise<readonly Instance[]> {
    const { etcd, prefix } = this.#options;
    const { kvs } = await etcd.list(instancesPrefix(prefix), signal);
    return kvs
      .map((kv) => parseRecord(prefix, kv))
      .flatMap((parsed) => (parsed.kind === 'record' ? parsed.record.instance : []))
      .filter((instance) => isHealthy(instance) && this.nameOf(instance) === name);
  }

  watch(name: string, signal: AbortSignal): AsyncIterable<readonly Instance[]> {
    const isWanted = (instance: Instance) => this.nameOf(instance) === name;
    return watchService({ ...this.#options, isWanted }, signal);
  }

  async *watchNames(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    const { etcd, prefix } = this.#options;
    const records = new EtcdRecordTable(prefix);
    using ended = new AbortScope(signal);
    const latest = new Latest<readonly string[]>(ended.signal);
    const tell = (followed: Followed) => {
      if (followed.kind === 'lost') return;
      records.follow(followed);
      latest.set([...new Set(records.records().map(({ instance }) => this.nameOf(instance)))].sort());
    };
    const following = follow({ etcd, prefix: instancesPrefix(prefix), tell }, ended.signal);
    let told: string | undefined;
    for await (const names of latest) {
      if (names.join() !== told) yield names;
      told = names.join();
    }
    await following;
  }

  /** The entries stay: the containers do, and the next process of this machine takes them over. */
  async [Symbol.asyncDispose](): Promise<void> {}

  get #ownPrefix(): string {
    return nodePrefix(this.#options.prefix, this.#options.node);
  }

  #toEntry({ key, value, lease }: KeyValue): Entry {
    const isKept = lease === (this.#options.session === 'none' ? '0' : this.#lease.id);
    return { key, content: isKept ? value : `${value} under the lease ${lease}` };
  }

  #isOwn({ value }: KeyValue): boolean {
    return parseSkyDnsOwner(value) === this.#options.node;
  }

  /** Of entries that several machines may want, the keys that another one has. */
  async #ofOthers(entries: readonly Entry[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const keys = entries.map(({ key }) => key);
    const found = await this.#options.etcd.getAll(keys, signal);
    return new Set(found.filter((kv) => !this.#isOwn(kv)).map(({ key }) => key));
  }

  async #write(entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    const commit = (lease: string) =>
      this.#commit(
        entries.map(({ key, content }) => ({ kind: 'put', key, value: content, lease })),
        signal,
      );
    await (this.#options.session === 'none' ? commit('0') : this.#lease.with(commit, signal));
  }

  async #commit(writes: readonly Write[], signal: AbortSignal): Promise<void> {
    for (const batch of toBatches(writes))
      await this.#options.etcd.commit({ compare: [], writes: batch }, signal);
  }
}

/** A signal of its own below another one, given when the scope is left. */
class AbortScope implements Disposable {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#controller.signal]);
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}
