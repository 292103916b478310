import type { Etcd, KeyValue, Write } from '../../etcd/etcd.ts';
import { type Instance, isHealthy } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import type { Entry, OpenOptions, OutsideRegistry, Refusal } from '../mirror.ts';
import { toBatches } from './batch.ts';
import type { EtcdMirrorConfig } from './config.ts';
import { RecordFeed } from './feed.ts';
import { NodeLease } from './node-lease.ts';
import { instancesPrefix, nodePrefix, parseRecord, recordKey } from './record.ts';
import { isOwners, toServiceName } from './service-index.ts';
import { writeShared } from './shared-keys.ts';
import { isReverseKey, parseSkyDnsOwner, renderSkyDns } from './skydns.ts';

export type EtcdMirrorOptions = OpenOptions &
  Pick<EtcdMirrorConfig, 'prefix' | 'ttlSeconds' | 'skydns'> & {
    readonly etcd: Etcd;
    /** Called when the mirror is disposed; the client is the caller's. */
    readonly release?: () => PromiseLike<void>;
  };

/**
 * A registry in etcd: `<prefix>/instances/<machine>/<instance>` with the instance in JSON, and beside it, in the same
 * transaction where it fits into one, what CoreDNS reads but for the reverse names, which several machines may want; all of
 * a machine under one lease.
 */
export function createEtcdMirror(options: EtcdMirrorOptions): OutsideRegistry {
  return new EtcdRegistry(options);
}

class EtcdRegistry implements OutsideRegistry {
  readonly name: string;
  readonly #options: EtcdMirrorOptions;
  readonly #lease: NodeLease;
  readonly #feed: RecordFeed;

  constructor(options: EtcdMirrorOptions) {
    this.name = options.name;
    this.#options = options;
    this.#lease = new NodeLease(options);
    this.#feed = new RecordFeed(options);
  }

  render(instance: Instance): readonly Entry[] {
    const { prefix, node, skydns } = this.#options;
    const record = { key: recordKey(prefix, node, instance.id), content: JSON.stringify(instance) };
    return skydns === undefined ? [record] : [record, ...renderSkyDns(instance, node, skydns)];
  }

  async put(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    if (entries.length === 0) return [];
    const shared = entries.filter(({ key }) => this.#isShared(key));
    const own = entries.filter(({ key }) => !this.#isShared(key));
    await this.#underLease(async (lease) => {
      const toWrite = ({ key, content }: Entry): Write => ({ kind: 'put', key, value: content, lease });
      await this.#commit(own.map(toWrite), signal);
      await this.#commitShared(shared.map(toWrite), signal);
    }, signal);
    return [];
  }

  /** Records last: what CoreDNS reads is found by them. */
  async remove(keys: readonly string[], signal: AbortSignal): Promise<readonly Refusal[]> {
    signal.throwIfAborted();
    const records = keys.filter((key) => key.startsWith(this.#ownPrefix));
    const besides = keys.filter((key) => !key.startsWith(this.#ownPrefix));
    const toWrite = (key: string): Write => ({ kind: 'delete', key });
    await this.#commitShared(besides.map(toWrite), signal);
    await this.#commit(records.map(toWrite), signal);
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
  nameOf(service: ServiceKey): string {
    return toServiceName(service);
  }

  async query(name: string, signal: AbortSignal): Promise<readonly Instance[]> {
    const { etcd, prefix } = this.#options;
    const { kvs } = await etcd.list(instancesPrefix(prefix), signal);
    return kvs
      .map((kv) => parseRecord(prefix, kv))
      .flatMap((parsed) =>
        parsed.kind === 'record' && isOwners(parsed.record) ? parsed.record.instance : [],
      )
      .filter((instance) => isHealthy(instance) && this.nameOf(instance) === name);
  }

  watch(name: string, signal: AbortSignal): AsyncIterable<readonly Instance[]> {
    return this.#feed.follow(name, signal);
  }

  watchNames(signal: AbortSignal): AsyncIterable<readonly string[]> {
    return this.#feed.followNames(signal);
  }

  /** The entries stay: the containers do, and the next process of this machine takes them over. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.release?.();
  }

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

  #isShared(key: string): boolean {
    const { skydns } = this.#options;
    return skydns !== undefined && isReverseKey(key, skydns);
  }

  #underLease(work: (lease: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    return this.#options.session === 'none' ? work('0') : this.#lease.with(work, signal);
  }

  async #commit(writes: readonly Write[], signal: AbortSignal): Promise<void> {
    for (const batch of toBatches(writes))
      await this.#options.etcd.commit({ compare: [], writes: batch }, signal);
  }

  #commitShared(writes: readonly Write[], signal: AbortSignal): Promise<void> {
    const isOwn = (kv: KeyValue) => this.#isOwn(kv);
    return writeShared({ etcd: this.#options.etcd, isOwn }, writes, signal);
  }
}
