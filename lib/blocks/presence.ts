import { cutForeign } from '../daemon/foreign-text.ts';
import { Wakeup } from '../daemon/wakeup.ts';
import { messageOf } from '../errors/cni-error.ts';
import { type Etcd, EtcdError, type KeyValue } from '../etcd/etcd.ts';
import { GrantKeeper, type KeptGrant } from '../etcd/grant.ts';
import type { NodeId } from './table/block.ts';
import type { HostRecord } from './table/host.ts';
import { parseHost, renderHost } from './table/host-text.ts';

export type PresenceOptions = {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly ttlSeconds: number;
  /** The id of this boot, by which another machine is told from an earlier run of this one. */
  readonly bootId: string;
  /** Of a clock that goes on while the machine is suspended. */
  readonly nowMs: () => number;
  /** Called with what keeps this host from being seen. */
  readonly tell: (problems: readonly string[]) => void;
};

/**
 * Whether nobody else has this host's id: `unknown` before the first answer of etcd, `cloned` while another machine keeps
 * the key that tells that it is alive.
 */
export type PresenceState = 'unknown' | 'seen' | 'cloned';

/** How far two messages of when this host was there are apart: each is news to all hosts. */
const seenEverySeconds = 60;

/** After a failure the next attempt comes so much later, or sooner where the time to live is short. */
const longestRetryMs = 2_000;

/**
 * Keeps the two keys by which other hosts know this one: `hosts/<node>`, which stays, and `alive/<node>`, which ends when
 * nobody renews it. It has a loop of its own: whatever else takes long, this host is alive meanwhile.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #grants: GrantKeeper;
  readonly #wakeup = new Wakeup();
  /** The leases of etcd that this process has had. */
  readonly #ours = new Set<string>();
  #host: HostRecord | undefined;
  #isSeen = false;
  #isCloned = false;

  constructor(options: PresenceOptions) {
    const { etcd, ttlSeconds, nowMs } = options;
    this.#options = options;
    this.#grants = new GrantKeeper({ etcd, ttlSeconds, nowSeconds: () => nowMs() / 1_000 });
  }

  get state(): PresenceState {
    if (this.#isCloned) return 'cloned';
    return this.#isSeen ? 'seen' : 'unknown';
  }

  /** How this host is reached; nothing is written before this is known. */
  set(host: HostRecord): void {
    if (this.#host !== undefined && renderHost(host) === renderHost(this.#host)) return;
    this.#host = host;
    this.wake();
  }

  /** To be called when the keys may be gone. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#wakeup.wait(await this.#round(signal), signal);
  }

  /** @returns how long to wait for the next */
  async #round(signal: AbortSignal): Promise<number> {
    const everyMs = (this.#options.ttlSeconds * 1_000) / 3;
    if (this.#host === undefined) return everyMs;
    try {
      const grant = await this.#grants.ensure(signal);
      this.#ours.add(grant.id);
      const alive = await this.#get(`alive/${this.#host.node}`, signal);
      this.#noteClone(alive, this.#host);
      if (this.#isCloned) return everyMs;
      await this.#keepHost(this.#host, signal);
      await this.#keepAlive(alive, this.#aliveOf(this.#host, grant), signal);
      return everyMs;
    } catch (error) {
      if (isLeaseLost(error)) {
        this.#grants.forget();
        return 0;
      }
      if (!signal.aborted) this.#options.tell([messageOf(error)]);
      return Math.min(everyMs, longestRetryMs);
    }
  }

  /** A key that an earlier run of this machine has left is its own: it has not ended yet. */
  #noteClone({ kv }: Found, host: HostRecord): void {
    const isForeign = kv !== undefined && !this.#ours.has(kv.lease);
    const isOther = isForeign && ![this.#textOf(host), host.name].includes(kv.value);
    this.#isCloned = isOther || (isForeign && this.#isSeen);
    this.#options.tell(this.#isCloned ? [describeClone(kv?.value ?? '')] : []);
  }

  async #keepHost(host: HostRecord, signal: AbortSignal): Promise<void> {
    const found = await this.#get(`hosts/${host.node}`, signal);
    const nowSeconds = Math.floor(Date.now() / 1_000);
    if (found.kv !== undefined && isCurrent(host, found.kv.value, nowSeconds)) return;
    await this.#put({ ...found, value: renderHost({ ...host, lastSeen: nowSeconds }) }, signal);
  }

  async #keepAlive(found: Found, wanted: Alive, signal: AbortSignal): Promise<void> {
    const isKept = found.kv?.lease === wanted.lease && found.kv.value === wanted.value;
    if (isKept || (await this.#put({ ...found, ...wanted }, signal))) this.#isSeen = true;
    else this.#wakeup.wake();
  }

  #aliveOf(host: HostRecord, { id }: KeptGrant): Alive {
    return { value: this.#textOf(host), lease: id };
  }

  /** Two agents of one machine, as in containers, have names of their own at least. */
  #textOf({ name }: HostRecord): string {
    return `${name} (boot ${this.#options.bootId})`;
  }

  async #get(name: string, signal: AbortSignal): Promise<Found> {
    const { etcd, prefix } = this.#options;
    const key = `${prefix}/${name}`;
    const { kvs } = await etcd.get(key, signal);
    return { key, kv: kvs[0] };
  }

  /** @returns false where somebody else was faster, or the answer to an earlier attempt was lost */
  async #put({ key, kv, value, lease }: Found & PutValue, signal: AbortSignal): Promise<boolean> {
    const compare = { key, target: 'mod-revision', equals: kv?.modRevision ?? 0 } as const;
    const write = { kind: 'put', key, value, ...(lease === undefined ? {} : { lease }) } as const;
    return (await this.#options.etcd.commit({ compare: [compare], writes: [write] }, signal)).succeeded;
  }
}

type Found = { readonly key: string; readonly kv: KeyValue | undefined };
type Alive = { readonly value: string; readonly lease: string };
type PutValue = { readonly value: string; readonly lease?: string };

/** Whether a record says what is so, and was written a short time ago. */
function isCurrent(host: HostRecord, value: string, nowSeconds: number): boolean {
  const lastSeen = lastSeenOf(host.node, value);
  if (lastSeen === undefined || Math.abs(nowSeconds - lastSeen) >= seenEverySeconds) return false;
  return value === renderHost({ ...host, lastSeen });
}

/** What somebody's hand has written may be anything. */
function lastSeenOf(node: NodeId, value: string): number | undefined {
  try {
    return parseHost(node, value).lastSeen;
  } catch {
    return undefined;
  }
}

function isLeaseLost(error: unknown): boolean {
  return error instanceof EtcdError && error.kind === 'lease-lost';
}

function describeClone(name: string): string {
  return (
    `another machine, ${cutForeign(name)}, has this machine's id, and with it the same addresses; nothing is leased here: ` +
    "remove the file node-id beside the registry of one of them, and restart that one's agent " +
    '(the sign of life of this machine before its last boot ends by itself)'
  );
}
