/** Wakes a loop: any number of calls while it works have it work once more. */
export class Wakeup {
  #isDue = false;
  #wake: (() => void) | undefined;

  /** Has the next `wait`, or the one that is under way, return at once. */
  wake(): void {
    this.#isDue = true;
    this.#wake?.();
  }

  /** Returns when somebody has called `wake` since the last return, when the time is over, or on the signal. */
  async wait(atMostMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isDue && !signal.aborted) await this.#sleep(atMostMs, signal);
    this.#isDue = false;
  }

  #sleep(atMostMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, atMostMs);
      signal.addEventListener('abort', end);
      this.#wake = end;
    });
  }
}
