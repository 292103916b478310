export type ConnectionLimits = { readonly total: number; readonly perSource: number };

/** Open connections, all together and of each source. */
export class ConnectionCount {
  readonly #limits: ConnectionLimits;
  readonly #bySource = new Map<string, number>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Whether the source may have one more, which is then counted. */
  take(source: string): boolean {
    const count = this.#bySource.get(source) ?? 0;
    if (this.#total >= this.#limits.total || count >= this.#limits.perSource) return false;
    this.#total++;
    this.#bySource.set(source, count + 1);
    return true;
  }

  release(source: string): void {
    const count = this.#bySource.get(source) ?? 0;
    if (count <= 1) this.#bySource.delete(source);
    else this.#bySource.set(source, count - 1);
    this.#total--;
  }
}
