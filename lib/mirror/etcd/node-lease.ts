import { sleep } from '../../client/backoff.ts';
import { type Etcd, EtcdError } from '../../etcd/etcd.ts';

export type NodeLeaseOptions = {
  readonly etcd: Etcd;
  readonly ttlSeconds: number;
};

/** Of the time to live, the part after which the lease is renewed. */
const renewAfterPart = 1 / 3;
/** The longest pause after a renewal that has failed, in milliseconds. */
const longestRetryMs = 1_000;

/**
 * The one lease of a machine, under which all its entries stand, so that they go with the machine. It is granted when
 * something is first written, and never revoked: containers outlive the process that speaks for them.
 */
export class NodeLease {
  readonly #options: NodeLeaseOptions;
  #id: string | undefined;
  #onLost = () => {};

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
  }

  /** Decimal; undefined where none is held. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Does something under the lease; where that is gone meanwhile, once more under a new one. */
  async with(work: (lease: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    const lease = await this.#hold(signal);
    try {
      await work(lease);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.kind !== 'lease-lost') throw error;
      this.#lose(lease);
      await work(await this.#hold(signal));
    }
  }

  /**
   * Renews the lease, whenever one is held, until the signal; never rejects.
   * @param onLost called when the lease is gone, and with it all that was written under it; once also when renewals begin
   *   to fail, since it may go
   */
  async keep(onLost: () => void, signal: AbortSignal): Promise<void> {
    this.#onLost = onLost;
    const everyMs = this.#options.ttlSeconds * 1000 * renewAfterPart;
    let isWell = true;
    while (!signal.aborted) {
      const pauseMs = isWell ? everyMs : Math.min(everyMs, longestRetryMs);
      await sleep(pauseMs * (0.8 + Math.random() * 0.2), signal);
      const wasWell = isWell;
      isWell = signal.aborted || (await this.#renew(signal));
      if (wasWell && !isWell && !signal.aborted) onLost();
    }
  }

  /** A cluster that is away answers nothing about the lease: it may be there when the cluster is back. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const lease = this.#id;
    if (lease === undefined) return true;
    try {
      const leftSeconds = await this.#options.etcd.keepAlive(lease, signal);
      if (leftSeconds === 0) this.#lose(lease);
      return true;
    } catch {
      return false;
    }
  }

  async #hold(signal: AbortSignal): Promise<string> {
    if (this.#id !== undefined) return this.#id;
    const { id } = await this.#options.etcd.grant(this.#options.ttlSeconds, signal);
    this.#id ??= id;
    return this.#id;
  }

  /** Told once for each lease, whoever finds out first. */
  #lose(lease: string): void {
    if (this.#id !== lease) return;
    this.#id = undefined;
    this.#onLost();
  }
}
