import {
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { AgentFailure, textOf } from './errors.ts';

/** PEM texts for an agent whose certificate no public authority has signed, or that wants to see one. */
export type ClientTls = { readonly ca?: string; readonly cert?: string; readonly key?: string };

export type ConnectionOptions = {
  /** `unix:/run/fairlead/api.sock`, `http://host:port` or `https://host:port`. */
  readonly api: string;
  readonly token?: string;
  readonly tls?: ClientTls;
};

export type Ask = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** Where the agent is, as Node's request takes it. */
type Place = Pick<RequestOptions, 'socketPath' | 'protocol' | 'host' | 'port'> & { readonly prefix: string };

/** Characters of an answer at most. */
const longestReply = 16 * 1024 * 1024;

/** The way to one agent. */
export class Connection implements Disposable {
  readonly #place: Place;
  readonly #api: string;
  readonly #token: string | undefined;
  readonly #agent: HttpAgent;

  /** @throws TypeError for an address that cannot be one */
  constructor({ api, token, tls }: ConnectionOptions) {
    this.#place = parseApi(api);
    this.#api = api;
    this.#token = token;
    const isTls = this.#place.protocol === 'https:';
    this.#agent = isTls ? new HttpsAgent({ keepAlive: true, ...tls }) : new HttpAgent({ keepAlive: true });
  }

  /**
   * Asks and reads the whole answer.
   * @returns the JSON of the answer; undefined where it has no body
   * @throws AgentFailure
   */
  async ask(ask: Ask): Promise<unknown> {
    const answer = await this.open(ask);
    return this.#during(ask, async () => {
      const text = await readText(answer);
      return text === '' ? undefined : JSON.parse(text);
    });
  }

  /**
   * Asks and hands over the answer as it comes, in UTF-8, if its status says that it is one.
   * @throws AgentFailure
   */
  async open(ask: Ask): Promise<IncomingMessage> {
    const answer = await this.#during(ask, () => this.#send(ask));
    answer.setEncoding('utf8');
    const { statusCode: status = 0 } = answer;
    if (status >= 200 && status < 300) return answer;
    const said = await readText(answer).catch(() => '');
    throw new AgentFailure(`${this.#describe(ask)}: ${status} ${explain(said)}`, { status });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #send(ask: Ask): Promise<IncomingMessage> {
    try {
      return await this.#sendOnce(ask);
    } catch (error) {
      // The agent closes a connection that was idle for long, maybe in the moment in which it is used again.
      if (error instanceof StaleConnection) return this.#sendOnce(ask);
      throw error;
    }
  }

  #sendOnce({ method, path, body, headers, signal }: Ask): Promise<IncomingMessage> {
    const { prefix, ...place } = this.#place;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = place.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const sent = request({
        ...place,
        method,
        path: prefix + path,
        headers: { ...headers, ...this.#headersFor(text) },
        agent: this.#agent,
        signal,
      });
      let isAnswered = false;
      sent.on('response', (answer) => {
        isAnswered = true;
        resolve(answer);
      });
      sent.on('error', (error) => {
        const isStale = sent.reusedSocket && !signal.aborted && !isAnswered;
        reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
      });
      sent.end(text);
    });
  }

  #headersFor(body: string | undefined): Readonly<Record<string, string | number>> {
    return {
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
  }

  async #during<T>(ask: Ask, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new AgentFailure(`${this.#describe(ask)}: ${textOf(cause)}`, { cause });
    }
  }

  #describe({ method, path }: Ask): string {
    return `asking the agent at ${this.#api}: ${method} ${path}`;
  }
}

class StaleConnection extends Error {}

/** @throws TypeError */
function parseApi(api: string): Place {
  if (/^unix:\/./.test(api)) return { socketPath: api.slice('unix:'.length), host: 'localhost', prefix: '' };
  const url = URL.parse(api);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new TypeError(
      `api: expected "unix:/run/fairlead/api.sock" or an http or https URL, found ${JSON.stringify(api)}`,
    );
  }
  const { protocol, hostname, port, pathname } = url;
  return {
    protocol,
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port }),
    prefix: pathname.replace(/\/+$/, ''),
  };
}

async function readText(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of answer) {
    text += piece;
    if (text.length > longestReply) throw new Error(`the answer is longer than ${longestReply} characters`);
  }
  return text;
}

/** What the agent says in `{"error": {"message", "hint"}}`. */
function explain(body: string): string {
  try {
    const { message, hint } = JSON.parse(body).error;
    return hint === undefined ? message : `${message} (${hint})`;
  } catch {
    return body.slice(0, 200);
  }
}
