import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '../errors/cni-error.ts';
import type { Log } from '../log/log.ts';
import { type Clock, systemClock } from './clock.ts';

/** One message, and where it goes. */
export type Delivery = { readonly url: URL; readonly body: object };

export type WebhookOptions = {
  readonly log: Log;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
  /** Tries in all; the waits between them are 1 s, 2 s, 4 s … 60 s. */
  readonly mostTries?: number;
};

const defaultTimeoutMs = 5_000;
const defaultMostTries = 8;
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

/**
 * Delivers messages by POST, one after the other for each subject. What a newer message on the same subject overtakes is
 * not delivered any more: the receiver is to know how things stand.
 */
export class WebhookSender implements Disposable {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #mostTries: number;
  readonly #latest = new Map<string, Delivery>();
  readonly #ended = new AbortController();
  #delivered = 0;
  #failed = 0;

  constructor({ log, clock = systemClock, timeoutMs, mostTries }: WebhookOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs ?? defaultTimeoutMs;
    this.#mostTries = mostTries ?? defaultMostTries;
  }

  /** Messages delivered, and messages given up, from the start. */
  get counts(): { readonly delivered: number; readonly failed: number } {
    return { delivered: this.#delivered, failed: this.#failed };
  }

  send(subject: string, delivery: Delivery): void {
    const isUnderWay = this.#latest.has(subject);
    this.#latest.set(subject, delivery);
    if (!isUnderWay) void this.#deliver(subject);
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
  }

  async #deliver(subject: string): Promise<void> {
    for (;;) {
      const delivery = this.#latest.get(subject);
      if (delivery === undefined || this.#ended.signal.aborted) return;
      await this.#tryAll(subject, delivery);
      if (this.#latest.get(subject) === delivery) this.#latest.delete(subject);
    }
  }

  async #tryAll(subject: string, delivery: Delivery): Promise<void> {
    for (let tries = 1; ; tries++) {
      const problem = await this.#post(delivery);
      if (this.#ended.signal.aborted) return;
      if (problem === undefined) {
        this.#delivered++;
        return;
      }
      if (problem.isFinal || tries >= this.#mostTries) {
        this.#giveUp(delivery, problem.reason);
        return;
      }
      await this.#wait(Math.min(firstWaitMs * 2 ** (tries - 1), longestWaitMs));
      if (this.#latest.get(subject) !== delivery) return;
    }
  }

  /** The path and the query of a webhook are often its secret. */
  #giveUp({ url }: Delivery, reason: string): void {
    this.#failed++;
    this.#log.error('a webhook could not be delivered', { to: url.origin, reason });
  }

  async #post({ url, body }: Delivery): Promise<Problem | undefined> {
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(this.#timeoutMs)]);
    try {
      return judgeStatus(await post({ url, text: JSON.stringify(body), signal }));
    } catch (error) {
      const reason = signal.aborted ? `no answer within ${this.#timeoutMs} ms` : messageOf(error);
      return { reason, isFinal: false };
    }
  }

  #wait(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(delayMs, resolve);
    const end = () => resolve();
    this.#ended.signal.addEventListener('abort', end);
    return promise.finally(() => {
      cancel();
      this.#ended.signal.removeEventListener('abort', end);
    });
  }
}

type Problem = { readonly reason: string; readonly isFinal: boolean };

/** Statuses that say "later" rather than "no" (RFC 9110, section 15.5; RFC 6585, section 4). */
const laterStatuses = [408, 425, 429];

/** A redirect is not followed: the operator has named where alerts go. */
function judgeStatus(status: number): Problem | undefined {
  if (status >= 200 && status < 300) return undefined;
  return { reason: `HTTP status ${status}`, isFinal: status < 500 && !laterStatuses.includes(status) };
}

type Post = { readonly url: URL; readonly text: string; readonly signal: AbortSignal };

/** @returns the status of the answer, of which nothing else is read */
function post({ url, text, signal }: Post): Promise<number> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'user-agent': 'fairlead-alert',
    connection: 'close',
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, signal }, (answer) => {
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    });
    sent.on('error', reject);
    sent.end(text);
  });
}
