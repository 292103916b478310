/** What callers are allowed: so many requests at once, and so many more each second. */
export type RateLimit = { readonly perSecond: number; readonly burst: number };

/** Callers remembered at most; who has not been heard of for longest is forgotten, and starts with a full bucket. */
const mostCallers = 10_000;

/**
 * A token bucket for each caller (an address, a token's name).
 * @param nowMs a clock that never goes back
 */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(limit: RateLimit, nowMs: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#nowMs = nowMs;
  }

  /** Whether the caller may make one more request now. */
  take(caller: string): boolean {
    const atMs = this.#nowMs();
    const bucket = this.#buckets.get(caller);
    const tokens = Math.min(this.#limit.burst, this.#refilled(bucket, atMs));
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens: tokens < 1 ? tokens : tokens - 1, atMs });
    this.#forgetOldest();
    return tokens >= 1;
  }

  /** Milliseconds until the caller may ask again. */
  waitMs(caller: string): number {
    const tokens = this.#refilled(this.#buckets.get(caller), this.#nowMs());
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / this.#limit.perSecond) * 1000);
  }

  #refilled(bucket: { tokens: number; atMs: number } | undefined, atMs: number): number {
    if (bucket === undefined) return this.#limit.burst;
    return bucket.tokens + ((atMs - bucket.atMs) / 1000) * this.#limit.perSecond;
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= mostCallers) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
