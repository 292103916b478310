import type { IncomingMessage } from 'node:http';
import type { EtcdConfig } from './config.ts';
import { Endpoint, type Post } from './endpoint.ts';
import type { EtcdError } from './etcd.ts';
import { type Asked, allFailed, toEtcdError, Verdict } from './failure.ts';
import { PemFiles } from './pem.ts';
import { TimeLimit } from './time-limit.ts';

/** A call that any member can answer. */
export type Call<T> = {
  /** Its path below /v3/, such as `kv/range`. */
  readonly name: string;
  readonly body: object;
  readonly connection: Post['connection'];
  readonly token: string | undefined;
  readonly read: (answer: IncomingMessage, asked: Asked) => Promise<T>;
  readonly signal: AbortSignal;
};

/** An endpoint that has kept a caller waiting for so long is not the first to be asked again. */
const suspiciousMs = 1_000;

/** The part of a call's time after which the next endpoint is asked. */
const patience = 0.4;

/** The endpoints of a cluster, of which the one that has answered last is asked first. */
export class Cluster implements Disposable {
  readonly #endpoints: readonly Endpoint[];
  readonly #pem: PemFiles;
  readonly #patienceMs: number;
  #first = 0;

  constructor({ endpoints, tls, timeoutMs }: EtcdConfig) {
    this.#pem = new PemFiles(tls);
    this.#endpoints = endpoints.map((url) => new Endpoint(url, () => this.#pem.read()));
    this.#patienceMs = timeoutMs * patience;
  }

  /** The endpoint that is asked first. */
  get endpoint(): string {
    return this.#endpoints[this.#first]?.url ?? '';
  }

  /**
   * Asks one endpoint after the other until one has answered.
   * @throws EtcdError
   */
  async ask<T>(call: Call<T>): Promise<T> {
    const failures: EtcdError[] = [];
    const inTurn = this.#inTurn();
    for (const endpoint of inTurn) {
      const patienceMs = endpoint === inTurn.at(-1) ? undefined : this.#patienceMs;
      const outcome = await this.#try(call, endpoint, patienceMs);
      if ('value' in outcome) return outcome.value;
      failures.push(outcome.failure);
      if (call.signal.aborted) break;
    }
    throw allFailed(call.name, failures);
  }

  [Symbol.dispose](): void {
    for (const endpoint of this.#endpoints) endpoint[Symbol.dispose]();
  }

  #inTurn(): readonly Endpoint[] {
    return [...this.#endpoints.slice(this.#first), ...this.#endpoints.slice(0, this.#first)];
  }

  /** @throws Verdict */
  async #try<T>(
    call: Call<T>,
    endpoint: Endpoint,
    patienceMs: number | undefined,
  ): Promise<{ readonly value: T } | { readonly failure: EtcdError }> {
    const asked = { call: call.name, endpoint: endpoint.url };
    const startedAtMs = performance.now();
    using limit = new TimeLimit([call.signal], patienceMs);
    try {
      const answer = await endpoint.post(toPost(call, limit.signal));
      // One that has begun to answer may take the time of the whole call.
      limit.lift();
      const value = await call.read(answer, asked);
      this.#prefer(endpoint);
      return { value };
    } catch (cause) {
      if (cause instanceof Verdict) {
        this.#prefer(endpoint);
        throw cause;
      }
      const failure = toEtcdError(limit.signal.aborted ? limit.signal.reason : cause, asked);
      const isCalledOff = call.signal.aborted && performance.now() - startedAtMs < suspiciousMs;
      if (!isCalledOff) this.#leave(endpoint, failure);
      return { failure };
    }
  }

  #prefer(endpoint: Endpoint): void {
    this.#first = this.#endpoints.indexOf(endpoint);
  }

  /** Others ask the next one first; connections that may have died with the call's are not used again. */
  #leave(endpoint: Endpoint, { kind }: EtcdError): void {
    if (this.#endpoints[this.#first] === endpoint) this.#first = (this.#first + 1) % this.#endpoints.length;
    endpoint.dropIdle();
    if (kind === 'refused') this.#pem.forget();
  }
}

function toPost({ name, body, connection, token }: Call<unknown>, signal: AbortSignal): Post {
  return { path: `/v3/${name}`, body: JSON.stringify(body), connection, token, signal };
}
