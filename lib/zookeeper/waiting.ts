import { ZooKeeperError } from './zookeeper-error.ts';

/** Those who wait for the same thing, each for a limited time. */
export class Waiting<T> {
  readonly #longestMs: number;
  #next = newPromise<T>();
  #lastFailure = '';

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** @throws ZooKeeperError with the reason why it does not come */
  async wait(): Promise<T> {
    const tooLong = Promise.withResolvers<never>();
    const giveUp = () => tooLong.reject(this.#errorOf(`no connection within ${this.#longestMs} ms`));
    const timer = setTimeout(giveUp, this.#longestMs);
    try {
      return await Promise.race([this.#next.promise, tooLong.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whoever waits gets it. */
  succeed(value: T): void {
    this.#lastFailure = '';
    this.#replace().resolve(value);
  }

  /** Whoever waits is told why; who comes after waits for the next. */
  fail(because: string): void {
    this.#lastFailure = because;
    this.#replace().reject(new ZooKeeperError('CONNECTIONLOSS', because));
  }

  #errorOf(because: string): ZooKeeperError {
    const after = this.#lastFailure === '' ? '' : ` (${this.#lastFailure})`;
    return new ZooKeeperError('CONNECTIONLOSS', `zookeeper: ${because}${after}`);
  }

  #replace(): PromiseWithResolvers<T> {
    const waited = this.#next;
    this.#next = newPromise();
    return waited;
  }
}

/** Nobody needs to wait for it. */
function newPromise<T>(): PromiseWithResolvers<T> {
  const made = Promise.withResolvers<T>();
  made.promise.catch(() => undefined);
  return made;
}
