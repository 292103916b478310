export type SilenceOptions = {
  readonly sessionTimeoutMs: number;
  readonly answerMs: number;
  readonly ping: () => void;
  readonly giveUp: (because: string) => void;
};

/**
 * Notices a server that says nothing any more, while another one could still be found within the session's time, and
 * keeps the session alive by pings.
 */
export class Silence {
  readonly #answerMs: number;
  readonly #giveUp: (because: string) => void;
  readonly #pings: NodeJS.Timeout;
  readonly #quiet: NodeJS.Timeout;
  #unanswered: NodeJS.Timeout | undefined;

  constructor({ sessionTimeoutMs, answerMs, ping, giveUp }: SilenceOptions) {
    this.#answerMs = answerMs;
    this.#giveUp = giveUp;
    this.#pings = setInterval(ping, sessionTimeoutMs / 3);
    const quietMs = Math.floor((sessionTimeoutMs * 2) / 3);
    this.#quiet = setTimeout(() => giveUp(`no sign of life within ${quietMs} ms`), quietMs);
  }

  /** Something came, whatever it was. */
  heard(): void {
    this.#quiet.refresh();
  }

  /** A request has been made. */
  expectAnswer(): void {
    this.#unanswered ??= setTimeout(
      () => this.#giveUp(`no answer within ${this.#answerMs} ms`),
      this.#answerMs,
    );
  }

  /** An answer came. @param pending the requests that have none yet; their time begins anew: they are answered in order */
  answered(pending: number): void {
    if (pending > 0) {
      this.#unanswered?.refresh();
      return;
    }
    clearTimeout(this.#unanswered);
    this.#unanswered = undefined;
  }

  end(): void {
    clearInterval(this.#pings);
    clearTimeout(this.#quiet);
    clearTimeout(this.#unanswered);
  }
}
