/** The gate makes the same choices every time; a soak draws others, and tells which. */
const gateSeed = 20_261_121;

/** Random choices that a seed repeats (mulberry32). SEED in the environment repeats an earlier run. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed = Number(process.env.SEED ?? defaultSeed())) {
    this.seed = seed;
    this.#state = seed;
  }

  /** A number from 0 up to, and without, `limit`; whole where the limit is. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** One of the items; of an empty list an error. */
  pick<T>(items: readonly T[]): T {
    const found = items[this.below(items.length)];
    if (found === undefined && items.length === 0) throw new Error('nothing to pick from');
    return found as T;
  }
}

function defaultSeed(): number {
  return process.env.SOAK === '1' ? Date.now() % 1_000_000_000 : gateSeed;
}
