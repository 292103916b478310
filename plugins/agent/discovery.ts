import type { Etcd } from '../../lib/etcd/etcd.ts';
import type { Log } from '../../lib/log/log.ts';
import { createEtcdMirror } from '../../lib/mirror/etcd/etcd-mirror.ts';
import type { Mirror } from '../../lib/mirror/mirror.ts';
import type { Imports } from '../../lib/registry/imports.ts';
import type { Store } from '../../lib/registry/store.ts';
import type { DiscoveryConfig } from './discovery-config.ts';
import { PeerImport } from './discovery-import.ts';
import { Delivery } from './mirror-delivery.ts';

export type DiscoveryOptions = {
  /** Stays the caller's. */
  readonly etcd: Etcd;
  readonly config: DiscoveryConfig;
  /** The id of this machine. */
  readonly node: string;
  readonly log: Log;
  /** Where the instances of other hosts are put. */
  readonly imports: Imports;
};

/** For the metrics and the API. */
export type DiscoveryStatus = {
  /** Whether the other hosts' names are being followed. */
  readonly isConnected: boolean;
  /** Revisions of this host's registry that the others have not been told of; undefined before the first delivery. */
  readonly lag: number | undefined;
  /** Why the last delivery has failed; empty where it has not. */
  readonly lastError: string;
  /** Instances of other hosts. */
  readonly imported: number;
  /** Those that are not shown, since another host's has their id. */
  readonly hidden: number;
  /** Records since the start that nobody understands. */
  readonly nonsense: number;
};

/** The exchange of names with other hosts while it runs; disposed, it leaves this host's entries until they expire. */
export type Discovery = AsyncDisposable & {
  /** Resolves when the instances of the others are known, or etcd does not answer within a second. */
  readonly settled: Promise<void>;
  /**
   * Tells the others what this store has, until disposed; one store at a time.
   * @param onDamage called when the store turns out to be damaged
   */
  readonly deliverFrom: (store: Store, onDamage: (error: Error) => void) => AsyncDisposable;
  readonly status: () => DiscoveryStatus;
};

/** In the outbox; none of the operator's mirrors can be called so. */
const mirrorName = '@discovery';

/** Exchanges names with other hosts by etcd. It outlives the registry's file: what others have stays known. */
export function startDiscovery(options: DiscoveryOptions): Discovery {
  return new EtcdDiscovery(options);
}

class EtcdDiscovery implements Discovery {
  readonly #log: Log;
  readonly #imports: Imports;
  readonly #mirror: Mirror;
  readonly #peers: PeerImport;
  readonly #ended = new AbortController();
  readonly #running: Promise<unknown>;
  #delivery: Delivery | undefined;

  constructor({ etcd, config: { prefix, ttlSeconds }, node, log, imports }: DiscoveryOptions) {
    this.#log = log;
    this.#imports = imports;
    const skydns = undefined;
    this.#mirror = createEtcdMirror({
      etcd,
      prefix,
      node,
      ttlSeconds,
      skydns,
      name: mirrorName,
      session: 'held',
    });
    const onConnected = () => this.#delivery?.retryNow();
    this.#peers = new PeerImport({ etcd, prefix, imports, log, onConnected });
    const { signal } = this.#ended;
    this.#running = Promise.all([
      this.#mirror.run(() => this.#delivery?.resyncNow(), signal),
      this.#peers.run(signal),
    ]);
  }

  get settled(): Promise<void> {
    return this.#peers.settled;
  }

  deliverFrom(store: Store, onDamage: (error: Error) => void): AsyncDisposable {
    const delivery = new Delivery({ store, mirror: this.#mirror, log: this.#log, onDamage });
    this.#delivery = delivery;
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#delivery === delivery) this.#delivery = undefined;
        await delivery[Symbol.asyncDispose]();
      },
    };
  }

  status(): DiscoveryStatus {
    return {
      isConnected: this.#peers.isConnected,
      lag: this.#delivery?.lag,
      lastError: this.#delivery?.lastError ?? '',
      imported: this.#imports.size,
      hidden: this.#imports.hidden,
      nonsense: this.#peers.nonsense,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }
}
