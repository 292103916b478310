import { backoffMs, sleep } from '../client/backoff.ts';
import { abreast } from './abreast.ts';

export type HeartbeatOptions = {
  /** Between two renewals of one entry. */
  readonly intervalMs: number;
  /** Whether the server knows the entry; rejects where it does not answer. */
  readonly renew: (key: string, signal: AbortSignal) => Promise<boolean>;
};

/** How often some entries are renewed: each has its turn once in an interval. */
const turnMs = 250;
/** Renewals under way at once. */
const width = 8;
/** The longest pause after a renewal that has failed. */
const longestRetryMs = 5_000;
/** Whoever hears of losses compares everything, and need not hear of each. */
const toldEveryMs = 1_000;

/** Renews entries one by one, for registries that know no other way, spread evenly over the interval. */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #turns: readonly Set<string>[];
  readonly #turnOf = new Map<string, Set<string>>();

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const turns = Math.max(1, Math.round(options.intervalMs / turnMs));
    this.#turns = Array.from({ length: turns }, () => new Set());
  }

  /** Those that are renewed. */
  keys(): readonly string[] {
    return [...this.#turnOf.keys()];
  }

  /** From now on it is renewed. */
  keep(key: string): void {
    if (this.#turnOf.has(key)) return;
    const turn = this.#turns.reduce((least, other) => (other.size < least.size ? other : least));
    turn.add(key);
    this.#turnOf.set(key, turn);
  }

  drop(key: string): void {
    this.#turnOf.get(key)?.delete(key);
    this.#turnOf.delete(key);
  }

  /**
   * Until the signal; never rejects.
   * @param onLost called when the server did not know entries, which are renewed no more; once also when it begins to be away,
   *   since it may forget them
   */
  async run(onLost: () => void, signal: AbortSignal): Promise<void> {
    const everyMs = this.#options.intervalMs / this.#turns.length;
    const lost = new Losses(onLost);
    let overdue: readonly string[] = [];
    let dueMs = performance.now();
    for (let [at, failures] = [0, 0]; !signal.aborted; at = (at + 1) % this.#turns.length) {
      // Whoever comes late hurries, but no entry needs two renewals for the one that it has missed.
      dueMs = Math.max(dueMs + everyMs, performance.now() - this.#options.intervalMs);
      const pauseMs = failures === 0 ? 0 : Math.min(backoffMs(failures), longestRetryMs);
      await sleep(Math.max(pauseMs, dueMs - performance.now()), signal);
      if (signal.aborted) return;
      overdue = await this.#renewAll([...new Set([...overdue, ...(this.#turns[at] ?? [])])], lost, signal);
      if (signal.aborted) return;
      lost.noteOverdue(overdue.length);
      failures = overdue.length === 0 ? 0 : failures + 1;
      lost.tell();
    }
  }

  /** @returns what is still to be renewed, where the server is away; what fails alone waits for its next turn */
  async #renewAll(keys: readonly string[], lost: Losses, signal: AbortSignal): Promise<readonly string[]> {
    const renewed = new Set<string>();
    let failuresInARow = 0;
    await abreast(keys, width, async (key) => {
      if (failuresInARow >= width) return;
      try {
        await this.#renew(key, lost, signal);
        renewed.add(key);
        failuresInARow = 0;
      } catch {
        failuresInARow++;
      }
    });
    const isAway = failuresInARow >= width || (renewed.size === 0 && failuresInARow > 0);
    const left = isAway ? keys.filter((key) => !renewed.has(key)) : [];
    // Others first, the next time.
    return [...left.slice(width), ...left.slice(0, width)];
  }

  async #renew(key: string, lost: Losses, signal: AbortSignal): Promise<void> {
    if (!this.#turnOf.has(key) || (await this.#options.renew(key, signal))) return;
    this.drop(key);
    lost.add();
  }
}

/** Told once for many. */
class Losses {
  readonly #onLost: () => void;
  #isUntold = false;
  #overdue = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  add(): void {
    this.#isUntold = true;
  }

  /** What is overdue may be lost soon: told where nothing was. */
  noteOverdue(count: number): void {
    this.#isUntold ||= count > 0 && this.#overdue === 0;
    this.#overdue = count;
  }

  tell(): void {
    if (!this.#isUntold || performance.now() - this.#toldAtMs < toldEveryMs) return;
    this.#isUntold = false;
    this.#toldAtMs = performance.now();
    this.#onLost();
  }
}
