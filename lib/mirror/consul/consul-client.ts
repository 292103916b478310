import { type HttpAnswer, type HttpCall, HttpClient, nameOf } from '../../http/http-client.ts';
import { HttpFailure } from '../../http/http-failure.ts';
import { reasonOf } from '../../http/reason.ts';
import { SecretReader } from '../../http/secret.ts';
import type { ConsulConfig } from './config.ts';
import { isObject } from './json.ts';

/** More do not make a Consul agent faster, which takes registrations one after the other. */
export const mostSockets = 8;

/** What Consul is asked; what it answers is text. */
export type ConsulCall = Pick<HttpCall, 'path' | 'timeoutMs' | 'connection' | 'signal'>;

/** An answer that concerns nothing but what was asked for. */
export type Declined = {
  /** `unknown`: it is not there. `refused`: it is not allowed, or makes no sense; something else may be. */
  readonly kind: 'unknown' | 'refused';
  readonly failure: HttpFailure;
};

/** What was read, and the index from which changes of it can be waited for; NaN where Consul tells none. */
export type Got<T> = { readonly value: T; readonly index: number };

/** Consul's HTTP API, with the token. */
export class ConsulClient implements Disposable {
  readonly #http: HttpClient;
  readonly #token: SecretReader;
  readonly #first: Pick<HttpAnswer, 'endpoint'>;

  constructor({ http, token }: Pick<ConsulConfig, 'http' | 'token'>) {
    this.#http = new HttpClient({ ...http, what: 'consul', mostSockets });
    this.#token = new SecretReader(token);
    this.#first = { endpoint: http.endpoints[0] };
  }

  /** @throws HttpFailure for every answer but a JSON object with status 200 */
  async getObject(call: ConsulCall): Promise<Got<Readonly<Record<string, unknown>>>> {
    return this.#get(call, (json) => (isObject(json) ? json : undefined));
  }

  /** @throws HttpFailure for every answer but a JSON list with status 200 */
  async getList(call: ConsulCall): Promise<Got<readonly unknown[]>> {
    return this.#get(call, (json) => (Array.isArray(json) ? json : undefined));
  }

  /**
   * @returns undefined where it was done
   * @throws HttpFailure where nobody would fare better: no answer, no valid token, a fault of the server
   */
  async put(call: ConsulCall, body?: object): Promise<Declined | undefined> {
    const asked: HttpCall = {
      ...call,
      method: 'PUT',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const answer = await this.#ask(asked);
    if (answer.status === 200) return undefined;
    const failure = this.#failure(asked, answer);
    const kind = declinedKind(answer);
    if (kind === undefined) throw failure;
    return { kind, failure };
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #get<T>(call: ConsulCall, narrow: (json: unknown) => T | undefined): Promise<Got<T>> {
    const asked: HttpCall = { ...call, method: 'GET' };
    const answer = await this.#ask(asked);
    if (answer.status !== 200) throw this.#failure(asked, answer);
    const value = narrow(parseJson(answer.text));
    if (value === undefined) throw garbled(asked, answer);
    return { value, index: Number(answer.headers['x-consul-index']) };
  }

  async #ask(call: HttpCall): Promise<HttpAnswer> {
    call.signal.throwIfAborted();
    const token = await this.#readToken(call);
    return this.#http.ask(token === undefined ? call : { ...call, headers: { 'x-consul-token': token } });
  }

  async #readToken(call: HttpCall): Promise<string | undefined> {
    try {
      return await this.#token.read();
    } catch (cause) {
      const because = `the file of token: ${reasonOf(cause)}`;
      throw new HttpFailure(askedOf(call, this.#first), { kind: 'refused', because, cause });
    }
  }

  #failure(call: HttpCall, answer: HttpAnswer): HttpFailure {
    const failure = HttpFailure.ofStatus(askedOf(call, answer), answer.status, answer.text);
    if (failure.kind === 'refused') this.#token.forget();
    return failure;
  }
}

/** Consul says 403 both to a token that it does not know and to one that may not do this. */
function declinedKind({ status, text }: HttpAnswer): Declined['kind'] | undefined {
  if (status === 404) return 'unknown';
  // Before 1.14, a check or service that is not there is a fault of the server.
  if (status === 500 && /does not have associated TTL|Unknown (check|service)/i.test(text)) return 'unknown';
  if (status === 403) return /permission denied/i.test(text) ? 'refused' : undefined;
  return status === 400 || status === 413 ? 'refused' : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function garbled(call: HttpCall, answer: HttpAnswer): HttpFailure {
  const because = "the answer is not Consul's JSON (is this Consul?)";
  return new HttpFailure(askedOf(call, answer), { kind: 'failed', because });
}

function askedOf(call: HttpCall, { endpoint }: Pick<HttpAnswer, 'endpoint'>) {
  return { what: 'consul', endpoint, call: nameOf(call) };
}
