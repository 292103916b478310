import { hash } from 'node:crypto';
import { type HttpAnswer, type HttpCall, HttpClient, nameOf } from '../../http/http-client.ts';
import { HttpFailure } from '../../http/http-failure.ts';
import { SecretReader } from '../../http/secret.ts';
import type { EurekaConfig } from './config.ts';
import {
  type Applications,
  parseApplication,
  parseApplications,
  parseInstance,
  type RawInstance,
} from './instance-info.ts';
import type { Place } from './registration.ts';

/** Connections to one server. */
const mostSockets = 24;

type Call = Pick<HttpCall, 'method' | 'path' | 'body' | 'signal'>;

/** The calls of Eureka's API that a mirror needs. All reject with an HttpFailure that names the call. */
export class EurekaClient implements Disposable {
  readonly #http: HttpClient;
  readonly #path: string;
  readonly #user: string | undefined;
  readonly #password: SecretReader;

  constructor({ http, path, user }: Pick<EurekaConfig, 'http' | 'path' | 'user'>) {
    this.#http = new HttpClient({ ...http, what: 'eureka', mostSockets });
    this.#path = path;
    this.#user = user?.name;
    this.#password = new SecretReader(user?.password);
  }

  /** @returns why the server does not take this one; undefined: it stands */
  async register({ app }: Place, content: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `/apps/${encodeURIComponent(app)}`;
    const call: Call = { method: 'POST', path, body: `{"instance":${content}}`, signal };
    const answer = await this.#ask(call);
    if (answer.status === 400 || answer.status === 413) return this.#failureOf(call, answer).message;
    this.#expectSuccess(call, answer);
    return undefined;
  }

  /** @returns whether the server knows it; what it does not know must be registered again */
  async renew(place: Place, signal: AbortSignal): Promise<boolean> {
    return (await this.#orMissing({ method: 'PUT', path: pathOf(place), signal })) !== undefined;
  }

  async deregister(place: Place, signal: AbortSignal): Promise<void> {
    await this.#orMissing({ method: 'DELETE', path: pathOf(place), signal });
  }

  /** As it is in this moment; lists are older, by what the server's cache allows. Undefined where there is none. */
  async find(place: Place, signal: AbortSignal): Promise<RawInstance | undefined> {
    const call: Call = { method: 'GET', path: pathOf(place), signal };
    const answer = await this.#orMissing(call);
    return answer && this.#parsed(call, answer, parseInstance);
  }

  /** The instances of a service; none where nobody knows it. */
  async application(app: string, signal: AbortSignal): Promise<readonly RawInstance[]> {
    const call: Call = { method: 'GET', path: `/apps/${encodeURIComponent(app)}`, signal };
    const answer = await this.#orMissing(call);
    return answer === undefined ? [] : this.#parsed(call, answer, parseApplication);
  }

  /** All that has this secure name. */
  async ofSecureName(name: string, signal: AbortSignal): Promise<Applications> {
    return this.#list({ method: 'GET', path: `/svips/${encodeURIComponent(name)}`, signal });
  }

  async everything(signal: AbortSignal): Promise<Applications> {
    return this.#list({ method: 'GET', path: '/apps', signal });
  }

  /**
   * Asks what has changed in the last minutes (three, unless the server is told otherwise); `unchanged` where it answers
   * what it has answered last.
   */
  createDeltaReader(): (signal: AbortSignal) => Promise<Applications | 'unchanged'> {
    let last = '';
    return async (signal) => {
      const call: Call = { method: 'GET', path: '/apps/delta', signal };
      const answer = await this.#ask(call);
      this.#expectSuccess(call, answer);
      const digest = hash('sha1', answer.text);
      if (digest === last) return 'unchanged';
      last = digest;
      return this.#parsed(call, answer, parseApplications);
    };
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #list(call: Call): Promise<Applications> {
    const answer = await this.#ask(call);
    this.#expectSuccess(call, answer);
    return this.#parsed(call, answer, parseApplications);
  }

  async #orMissing(call: Call): Promise<HttpAnswer | undefined> {
    const answer = await this.#ask(call);
    if (answer.status === 404) return undefined;
    this.#expectSuccess(call, answer);
    return answer;
  }

  async #ask(call: Call): Promise<HttpAnswer> {
    return this.#http.ask({ ...call, path: this.#path + call.path, headers: await this.#headers(call) });
  }

  async #headers({ body }: Call): Promise<Readonly<Record<string, string>>> {
    const password = await this.#password.read();
    const credentials = Buffer.from(`${this.#user}:${password}`).toString('base64');
    return {
      accept: 'application/json',
      // Netflix's server answers nothing else.
      'accept-encoding': 'gzip',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(password === undefined ? {} : { authorization: `Basic ${credentials}` }),
    };
  }

  #expectSuccess(call: Call, answer: HttpAnswer): void {
    if (answer.status >= 200 && answer.status < 300) return;
    if (answer.status === 401 || answer.status === 403) this.#password.forget();
    throw this.#failureOf(call, answer);
  }

  #parsed<T>(call: Call, { endpoint, text }: HttpAnswer, parse: (json: unknown) => T | undefined): T {
    const parsed = parse(parseJson(text));
    if (parsed !== undefined) return parsed;
    const because = "the answer is not Eureka's JSON (see path)";
    throw new HttpFailure(
      { what: 'eureka', endpoint, call: this.#nameOf(call) },
      { kind: 'failed', because },
    );
  }

  #failureOf(call: Call, { endpoint, status, text }: HttpAnswer): HttpFailure {
    return HttpFailure.ofStatus({ what: 'eureka', endpoint, call: this.#nameOf(call) }, status, text);
  }

  #nameOf({ method, path }: Call): string {
    return nameOf({ method, path: this.#path + path });
  }
}

function pathOf({ app, instanceId }: Place): string {
  return `/apps/${encodeURIComponent(app)}/${encodeURIComponent(instanceId)}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
