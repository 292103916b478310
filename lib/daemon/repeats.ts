/** The same text is told at most once in so long. */
const restMs = 10_000;

/** So many texts are told in that time, whatever they are. */
const mostTold = 10;

/** Keeps back what would be told again and again, and counts it. */
export class Repeats {
  /** When each text was told last, in ms. */
  readonly #told = new Map<string, number>();
  #untold = 0;

  /** @returns how many were kept back since one was told, where this one is to be told; undefined where it is not */
  take(text: string): number | undefined {
    const now = performance.now();
    for (const [known, at] of this.#told) if (now - at >= restMs) this.#told.delete(known);
    if (this.#told.has(text) || this.#told.size >= mostTold) {
      this.#untold += 1;
      return undefined;
    }
    this.#told.set(text, now);
    const untold = this.#untold;
    this.#untold = 0;
    return untold;
  }
}
