import type { IncomingMessage } from 'node:http';
import { sleep } from '../client/backoff.ts';
import { Endpoint, type Sending } from '../http/endpoint.ts';
import { PemFiles } from '../http/pem.ts';
import { TimeLimit } from '../http/time-limit.ts';
import type { EtcdConfig } from './config.ts';
import type { EtcdError } from './etcd.ts';
import { type Asked, allFailed, NotNow, toEtcdError, Verdict } from './failure.ts';

/** A call that any member can answer. */
export type Call<T> = {
  /** Its path below /v3/, such as `kv/range`. */
  readonly name: string;
  readonly body: object;
  readonly connection: Sending['connection'];
  readonly token: string | undefined;
  readonly read: (answer: IncomingMessage, asked: Asked) => Promise<T>;
  readonly signal: AbortSignal;
};

/** An endpoint that has kept a caller waiting for so long is not the first to be asked again. */
const suspiciousMs = 1_000;

/** The part of a call's time after which the next endpoint is asked. */
const patience = 0.4;

/** The pause before those are asked again that cannot answer now. */
const againMs = 200;

/** The endpoints of a cluster, of which the one that has answered last is asked first. */
export class Cluster implements Disposable {
  readonly #endpoints: readonly Endpoint[];
  readonly #pem: PemFiles;
  readonly #patienceMs: number | undefined;
  #first = 0;

  constructor({ endpoints, tls, timeoutMs }: EtcdConfig) {
    this.#pem = new PemFiles(tls);
    this.#endpoints = endpoints.map((url) => new Endpoint(url, () => this.#pem.read()));
    this.#patienceMs = endpoints.length === 1 ? undefined : timeoutMs * patience;
  }

  /** The endpoint that is asked first. */
  get endpoint(): string {
    return this.#endpoints[this.#first]?.url ?? '';
  }

  /**
   * Asks one endpoint after the other until one has answered, and those again that say that they cannot now: an election
   * is over before a call's time is.
   * @throws EtcdError
   */
  async ask<T>(call: Call<T>): Promise<T> {
    const failures = new Map<Endpoint, EtcdError>();
    let inTurn = this.#inTurn();
    for (;;) {
      const answered = await this.#askInTurn(call, inTurn, failures);
      if (answered !== undefined) return answered.value;
      inTurn = inTurn.filter((endpoint) => failures.get(endpoint) instanceof NotNow);
      if (inTurn.length > 0) await sleep(againMs, call.signal);
      if (inTurn.length === 0 || call.signal.aborted) throw allFailed(call.name, [...failures.values()]);
    }
  }

  [Symbol.dispose](): void {
    for (const endpoint of this.#endpoints) endpoint[Symbol.dispose]();
  }

  #inTurn(): readonly Endpoint[] {
    return [...this.#endpoints.slice(this.#first), ...this.#endpoints.slice(0, this.#first)];
  }

  /** @throws Verdict */
  async #askInTurn<T>(
    call: Call<T>,
    inTurn: readonly Endpoint[],
    failures: Map<Endpoint, EtcdError>,
  ): Promise<{ readonly value: T } | undefined> {
    for (const endpoint of inTurn) {
      const outcome = await this.#try(call, endpoint);
      if ('value' in outcome) return outcome;
      // What an endpoint has said before tells more than that the time is over.
      if (!call.signal.aborted || !failures.has(endpoint)) failures.set(endpoint, outcome.failure);
      if (call.signal.aborted) return undefined;
    }
    return undefined;
  }

  /** @throws Verdict */
  async #try<T>(
    call: Call<T>,
    endpoint: Endpoint,
  ): Promise<{ readonly value: T } | { readonly failure: EtcdError }> {
    const asked = { call: call.name, endpoint: endpoint.url };
    const startedAtMs = performance.now();
    using limit = new TimeLimit([call.signal], this.#patienceMs);
    try {
      const answer = await endpoint.send(toSending(call, limit.signal));
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
  #leave(endpoint: Endpoint, failure: EtcdError): void {
    if (failure instanceof NotNow) return;
    if (this.#endpoints[this.#first] === endpoint) this.#first = (this.#first + 1) % this.#endpoints.length;
    endpoint.dropIdle();
    if (failure.kind === 'refused') this.#pem.forget();
  }
}

function toSending({ name, body, connection, token }: Call<unknown>, signal: AbortSignal): Sending {
  return {
    method: 'POST',
    path: `/v3/${name}`,
    headers: {
      'content-type': 'application/json',
      // A member without a leader fails the call rather than keeping it until there is one.
      'grpc-metadata-hasleader': 'true',
      ...(token === undefined ? {} : { authorization: token }),
    },
    body: JSON.stringify(body),
    connection,
    signal,
  };
}
