/** A value that is replaced until it is taken. */
export class Latest<T> implements AsyncIterable<T> {
  readonly signal: AbortSignal;
  #held: { readonly value: T } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener('abort', () => this.#changed.resolve(), { once: true });
  }

  set(value: T): void {
    this.#held = { value };
    this.#changed.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.signal.aborted) {
      const held = this.#held;
      this.#held = undefined;
      this.#changed = Promise.withResolvers();
      if (held === undefined) await this.#changed.promise;
      else yield held.value;
    }
  }
}
