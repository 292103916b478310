/** A key of etcd with its value, as it was at the revision of the answer that it came with. */
export type KeyValue = {
  readonly key: string;
  readonly value: string;
  /** The store's revision that made the key. */
  readonly createRevision: number;
  /** The store's revision that last wrote it. */
  readonly modRevision: number;
  /** The id of the lease that it goes with, in decimal; "0" where it has none. */
  readonly lease: string;
};

/** All that is below a prefix, or what one key has, at one revision. */
export type Range = { readonly revision: number; readonly kvs: readonly KeyValue[] };

/** What must hold for a transaction to be carried out; a revision of 0 says that the key does not exist. */
export type Compare = {
  readonly key: string;
  readonly target: 'create-revision' | 'mod-revision';
  readonly equals: number;
};

/** One write of a transaction. */
export type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: string }
  | { readonly kind: 'delete'; readonly key: string };

export type Transaction = { readonly compare: readonly Compare[]; readonly writes: readonly Write[] };

/** @see Transaction */
export type Committed = { readonly succeeded: boolean; readonly revision: number };

/** A lease as etcd grants it. */
export type Grant = {
  /** Decimal; larger than what a number holds exactly. */
  readonly id: string;
  readonly ttlSeconds: number;
};

export type WatchEvent =
  | { readonly kind: 'put'; readonly kv: KeyValue }
  | { readonly kind: 'delete'; readonly key: string; readonly modRevision: number };

/** Events of one or more revisions, in order, none of them cut in two. */
export type WatchBatch = { readonly revision: number; readonly events: readonly WatchEvent[] };

/**
 * What is used of an etcd cluster (API v3, by its JSON gateway, etcd 3.4 or later). Every call tries the endpoints in
 * turn, and rejects with an EtcdError when each has failed, when none has answered in time, or at once when one has given
 * the answer that all would give; and with the reason of its signal where that has ended it. Disposing ends all calls and
 * watches.
 */
export type Etcd = AsyncDisposable & {
  /** The endpoint that has answered last, or that is asked next where that one has failed. */
  readonly endpoint: string;
  readonly get: (key: string, signal: AbortSignal) => Promise<Range>;
  /** Those of the keys that exist, not all at one revision where there are many. */
  readonly getAll: (keys: readonly string[], signal: AbortSignal) => Promise<readonly KeyValue[]>;
  /** Everything whose key begins with the prefix, read in pages where it is much. */
  readonly list: (prefix: string, signal: AbortSignal) => Promise<Range>;
  /**
   * Carries the writes out if all compares hold. An attempt of which the answer was lost may have been carried out, and is
   * made again at the next endpoint. So a transaction must bear that: by a compare that its own writes break, or by
   * writes that may be made twice. The first is then told `succeeded: false` of what it has done, and has to read again.
   */
  readonly commit: (transaction: Transaction, signal: AbortSignal) => Promise<Committed>;
  /** Where the answer was lost there may be one more lease, which nobody keeps alive. */
  readonly grant: (ttlSeconds: number, signal: AbortSignal) => Promise<Grant>;
  /** @returns what is left of the lease's time, in seconds; 0 where there is no such lease (any more) */
  readonly keepAlive: (lease: string, signal: AbortSignal) => Promise<number>;
  /** A lease that is not there (any more) is revoked as well. */
  readonly revoke: (lease: string, signal: AbortSignal) => Promise<void>;
  /**
   * What happens below a prefix from a revision on, until the signal, which ends it without an error. Rejects with kind
   * `compacted` where that revision is not kept any more, and `unreachable` when the connection is lost.
   */
  readonly watch: (prefix: string, fromRevision: number, signal: AbortSignal) => AsyncIterable<WatchBatch>;
};

/** Why a call of etcd has failed. */
export type EtcdFailureKind =
  /** No endpoint has answered in time, or none could be connected with. */
  | 'unreachable'
  /** Wrong or missing user, password, certificate or right. */
  | 'refused'
  /** The revision asked for is not kept any more. */
  | 'compacted'
  /** The lease is not there (any more). */
  | 'lease-lost'
  /** Anything else that the server answered, or an answer that is not understood. */
  | 'failed';

export class EtcdError extends Error {
  readonly kind: EtcdFailureKind;
  readonly endpoint: string;

  constructor(kind: EtcdFailureKind, endpoint: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EtcdError';
    this.kind = kind;
    this.endpoint = endpoint;
  }
}
