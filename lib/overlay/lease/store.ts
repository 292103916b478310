import type { Etcd, Write } from '../../etcd/etcd.ts';
import type { SubnetLease } from './lease.ts';
import type { Entry } from './owner.ts';
import { type LeaseTable, tableOf } from './table.ts';
import { renderLease } from './text.ts';

/** What a key is to say from now on. */
export type Rewrite = {
  /** As it was read. */
  readonly entry: Entry;
  readonly lease: SubnetLease;
  /** Undefined for a key that shall not end. */
  readonly etcdLease: string | undefined;
};

/**
 * The keys of an overlay's leases. Each write is made only if the key still is as it was read, and `false` says that it
 * may not have been made: whoever is told so reads again, since the answer to an earlier attempt may have been lost.
 */
export class LeaseStore {
  readonly #etcd: Etcd;
  readonly #prefix: string;

  constructor(etcd: Etcd, prefix: string) {
    this.#etcd = etcd;
    this.#prefix = prefix;
  }

  /** @throws EtcdError */
  async read(signal: AbortSignal): Promise<LeaseTable> {
    const { kvs } = await this.#etcd.list(`${this.#prefix}/`, signal);
    return tableOf(kvs, this.#prefix);
  }

  /** @throws EtcdError kind `lease-lost` where etcd has not that lease */
  claim(lease: SubnetLease, etcdLease: string, signal: AbortSignal): Promise<boolean> {
    const write = this.#put(lease, etcdLease);
    return this.#commit(write, { target: 'create-revision', equals: 0 }, signal);
  }

  /** @throws EtcdError kind `lease-lost` where etcd has not that lease */
  rewrite({ entry, lease, etcdLease }: Rewrite, signal: AbortSignal): Promise<boolean> {
    const write = this.#put(lease, etcdLease);
    return this.#commit(write, { target: 'mod-revision', equals: entry.modRevision }, signal);
  }

  /** @throws EtcdError */
  remove({ name, modRevision }: Entry, signal: AbortSignal): Promise<boolean> {
    const write: Write = { kind: 'delete', key: this.#keyOf(name) };
    return this.#commit(write, { target: 'mod-revision', equals: modRevision }, signal);
  }

  #put(lease: SubnetLease, etcdLease: string | undefined): Write {
    const { value } = renderLease(lease);
    const put: Write = { kind: 'put', key: this.#keyOf(lease.name), value };
    return etcdLease === undefined ? put : { ...put, lease: etcdLease };
  }

  async #commit(
    write: Write,
    compare: { target: 'create-revision' | 'mod-revision'; equals: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    const transaction = { compare: [{ key: write.key, ...compare }], writes: [write] };
    return (await this.#etcd.commit(transaction, signal)).succeeded;
  }

  #keyOf(name: string): string {
    return `${this.#prefix}/subnets/${name}`;
  }
}
