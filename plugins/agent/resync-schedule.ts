/** Between two times at which all is compared, in milliseconds; somebody may have taken entries away. */
const regularMs = 60_000;
/** Between two that are asked for: longer each time, until nobody has asked for so long. */
const shortestAskedMs = 1_000;
const longestAskedMs = 30_000;
const quietMs = 60_000;

/** `regular`: its time has come. `asked`: something has happened to the registry, or nothing was compared before. */
export type ResyncCause = 'regular' | 'asked';

/**
 * When all is to be compared: at the start, about every minute, and when somebody asks for it, at once unless that is often.
 * Whoever asks may do so because of what a comparison does. Times are of `performance.now()`.
 */
export class ResyncSchedule {
  #atMs = Number.NEGATIVE_INFINITY;
  #cause: ResyncCause = 'asked';
  #askedForMs = Number.NEGATIVE_INFINITY;
  #askedPauseMs = 0;

  isDue(nowMs: number): boolean {
    return nowMs >= this.#atMs;
  }

  /** Before the comparison itself: what is lost meanwhile asks for another. */
  begin(nowMs: number): ResyncCause {
    const cause = this.#cause;
    this.#atMs = nowMs + regularMs * (0.75 + Math.random() / 2);
    this.#cause = 'regular';
    return cause;
  }

  /** The next delivery compares, too. */
  fail(): void {
    this.#atMs = Number.NEGATIVE_INFINITY;
    this.#cause = 'asked';
  }

  ask(nowMs: number): void {
    const atMs = this.isDue(nowMs) ? this.#atMs : this.#grant(nowMs);
    if (atMs > this.#atMs) return;
    this.#atMs = atMs;
    this.#cause = 'asked';
  }

  /** One that is to come yet is for all who ask until then. */
  #grant(nowMs: number): number {
    if (nowMs < this.#askedForMs) return this.#askedForMs;
    const isQuiet = nowMs - this.#askedForMs >= quietMs;
    const longerMs = Math.min(Math.max(shortestAskedMs, this.#askedPauseMs * 2), longestAskedMs);
    this.#askedPauseMs = isQuiet ? 0 : longerMs;
    this.#askedForMs = Math.max(nowMs, this.#askedForMs + this.#askedPauseMs);
    return this.#askedForMs;
  }
}
