import { cutForeign } from '../daemon/foreign-text.ts';
import { Wakeup } from '../daemon/wakeup.ts';
import { messageOf } from '../errors/cni-error.ts';
import { type Etcd, EtcdError, type KeyValue } from '../etcd/etcd.ts';
import { GrantKeeper, type KeptGrant } from '../etcd/grant.ts';
import type { HostRecord } from './host.ts';
import { renderHost } from './host-text.ts';

export type PresenceOptions = {
  readonly etcd: Etcd;
  readonly prefix: string;
  readonly ttlSeconds: number;
  /** Of a clock that goes on while the machine is suspended. */
  readonly nowMs: () => number;
  /** Called with what keeps this host from being seen. */
  readonly tell: (problems: readonly string[]) => void;
};

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

  /** Whether this host is known to be there, and nobody else has its id. */
  get isSeen(): boolean {
    return this.#isSeen && !this.#isCloned;
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
      await this.#keepHost(this.#host, signal);
      await this.#keepAlive(this.#host, grant, signal);
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

  async #keepHost(host: HostRecord, signal: AbortSignal): Promise<void> {
    const found = await this.#get(`hosts/${host.node}`, signal);
    const value = renderHost(host);
    if (found.kv?.value !== value) await this.#put({ ...found, value }, signal);
  }

  async #keepAlive(host: HostRecord, grant: KeptGrant, signal: AbortSignal): Promise<void> {
    const found = await this.#get(`alive/${host.node}`, signal);
    this.#isCloned = this.#isSeen && found.kv !== undefined && !this.#ours.has(found.kv.lease);
    this.#options.tell(this.#isCloned ? [describeClone(found.kv?.value ?? '')] : []);
    if (this.#isCloned) return;
    const isKept = found.kv?.lease === grant.id && found.kv.value === host.name;
    if (isKept || (await this.#put({ ...found, value: host.name, lease: grant.id }, signal)))
      this.#isSeen = true;
    else this.#wakeup.wake();
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
type PutValue = { readonly value: string; readonly lease?: string };

function isLeaseLost(error: unknown): boolean {
  return error instanceof EtcdError && error.kind === 'lease-lost';
}

function describeClone(name: string): string {
  return (
    `another machine (${cutForeign(name)}) has this machine's id, and with it the same addresses: ` +
    "remove the file node-id beside the registry of one of them, and restart that one's agent"
  );
}
