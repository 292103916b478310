import type { Etcd } from './etcd.ts';

/** A lease of etcd that ends unless it is renewed; a host's key goes with it. */
export type KeptGrant = {
  readonly id: string;
  /** As etcd has granted it, which may be longer than was asked for. */
  readonly ttlSeconds: number;
  /** By the clock of the host, and before etcd's own end: counted from when the request was sent. */
  readonly untilSeconds: number;
  readonly renewAtSeconds: number;
};

export type GrantOptions = {
  readonly etcd: Etcd;
  readonly ttlSeconds: number;
  /** Of a clock that goes on while the machine is suspended. */
  readonly nowSeconds: () => number;
};

/** The one lease of etcd that a host has, which outlives attempts: each that fails would leave one behind. */
export class GrantKeeper {
  readonly #options: GrantOptions;
  #grant: KeptGrant | undefined;

  constructor(options: GrantOptions) {
    this.#options = options;
  }

  /** Undefined also when its time is over. */
  get current(): KeptGrant | undefined {
    const grant = this.#grant;
    return grant !== undefined && this.#options.nowSeconds() < grant.untilSeconds ? grant : undefined;
  }

  /**
   * One with most of its time before it: the current one, or one that is new.
   * @throws EtcdError
   */
  async ensure(signal: AbortSignal): Promise<KeptGrant> {
    const { current } = this;
    if (current === undefined) return this.#ask(signal);
    const isFresh = this.#options.nowSeconds() < current.renewAtSeconds;
    return isFresh ? current : ((await this.renew(current, signal)) ?? (await this.#ask(signal)));
  }

  /**
   * Undefined where etcd has it no more.
   * @throws EtcdError
   */
  async renew({ id }: KeptGrant, signal: AbortSignal): Promise<KeptGrant | undefined> {
    const askedAt = this.#options.nowSeconds();
    const ttlSeconds = await this.#options.etcd.keepAlive(id, signal);
    this.#grant = ttlSeconds > 0 ? toKept({ id, ttlSeconds }, askedAt) : undefined;
    return this.#grant;
  }

  /** For one that is said to be gone. */
  forget(): void {
    this.#grant = undefined;
  }

  async #ask(signal: AbortSignal): Promise<KeptGrant> {
    const { etcd, ttlSeconds, nowSeconds } = this.#options;
    const askedAt = nowSeconds();
    this.#grant = toKept(await etcd.grant(ttlSeconds, signal), askedAt);
    return this.#grant;
  }
}

const longestRenewalSeconds = 600;

function toKept({ id, ttlSeconds }: { id: string; ttlSeconds: number }, askedAt: number): KeptGrant {
  const everySeconds = Math.max(1, Math.min(ttlSeconds / 3, longestRenewalSeconds));
  return { id, ttlSeconds, untilSeconds: askedAt + ttlSeconds, renewAtSeconds: askedAt + everySeconds };
}
