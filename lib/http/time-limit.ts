/** A signal that comes when a time is over, or when one of others does; disposing it frees all. */
export class TimeLimit implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: readonly AbortSignal[];
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #follow = () => this.#controller.abort(this.#outer.find(({ aborted }) => aborted)?.reason);

  /** @param ms undefined: only the other signals count */
  constructor(outer: readonly AbortSignal[], ms: number | undefined) {
    this.#outer = outer;
    const end = () => this.#controller.abort(new Error(`no answer within ${ms} ms`));
    // Node takes a longer time for none at all.
    this.#timer = ms === undefined ? undefined : setTimeout(end, Math.min(ms, 0x7fff_ffff));
    for (const signal of outer) signal.addEventListener('abort', this.#follow);
    if (outer.some(({ aborted }) => aborted)) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From here on only the other signals count. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  /** Ends it before its time. */
  end(): void {
    this.#controller.abort(new Error('ended'));
  }

  [Symbol.dispose](): void {
    this.lift();
    for (const signal of this.#outer) signal.removeEventListener('abort', this.#follow);
  }
}
