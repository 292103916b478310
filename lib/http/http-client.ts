import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Endpoint } from './endpoint.ts';
import { HttpFailure, toHttpFailure } from './http-failure.ts';
import { PemFiles, type PemPaths } from './pem.ts';
import { TimeLimit } from './time-limit.ts';

export type HttpClientOptions = {
  /** What is asked, for messages, such as `consul`. */
  readonly what: string;
  /** `http://host:port` or `https://host:port`, without a slash at the end. */
  readonly endpoints: readonly [string, ...string[]];
  readonly tls: PemPaths | undefined;
  /** How long one call may take, in milliseconds, unless it says otherwise. */
  readonly timeoutMs: number;
  /** Connections to one endpoint at most; calls beyond wait for one. Those that wait for changes have their own. */
  readonly mostSockets: number;
};

export type HttpCall = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With its query; what comes from elsewhere is encoded by the caller. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  /** A call that waits for a change has a connection of its own. */
  readonly connection?: 'shared' | 'own';
  readonly signal: AbortSignal;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Which endpoint has answered. */
  readonly endpoint: string;
};

/** Bytes of an answer at most. */
const longestAnswer = 64 * 1024 * 1024;

/** Asks the endpoints of an outside registry over HTTP, the one first that has answered last. */
export class HttpClient implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #pem: PemFiles;
  readonly #endpoints: readonly Endpoint[];
  #first = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#pem = new PemFiles(options.tls);
    this.#endpoints = options.endpoints.map(
      (url) => new Endpoint(url, () => this.#pem.read(), options.mostSockets),
    );
  }

  /**
   * The answer, whatever its status; where an endpoint cannot be reached or answers 502, 503 or 504, that of the next.
   * What is asked may arrive twice.
   * @throws HttpFailure where no endpoint answers
   */
  async ask(call: HttpCall): Promise<HttpAnswer> {
    const failures: HttpFailure[] = [];
    for (const endpoint of this.#inTurn()) {
      const outcome = await this.#try(call, endpoint);
      if (!(outcome instanceof HttpFailure)) return outcome;
      failures.push(outcome);
      call.signal.throwIfAborted();
    }
    throw HttpFailure.ofAll(failures);
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    for (const endpoint of this.#endpoints) endpoint[Symbol.dispose]();
  }

  #inTurn(): readonly Endpoint[] {
    return [...this.#endpoints.slice(this.#first), ...this.#endpoints.slice(0, this.#first)];
  }

  async #try(call: HttpCall, endpoint: Endpoint): Promise<HttpAnswer | HttpFailure> {
    const asked = { what: this.#options.what, endpoint: endpoint.url, call: nameOf(call) };
    using limit = new TimeLimit([call.signal], call.timeoutMs ?? this.#options.timeoutMs);
    try {
      const answer = await endpoint.send(toSending(call, limit.signal));
      const text = await readText(answer);
      const { statusCode: status = 0, headers } = answer;
      const isElsewhere = this.#endpoints.length > 1 && notHere.has(status);
      if (isElsewhere) return this.#leave(endpoint, HttpFailure.ofStatus(asked, status, text));
      this.#first = this.#endpoints.indexOf(endpoint);
      return { status, headers, text, endpoint: endpoint.url };
    } catch (cause) {
      call.signal.throwIfAborted();
      return this.#leave(endpoint, toHttpFailure(limit.signal.aborted ? limit.signal.reason : cause, asked));
    }
  }

  /** Others ask the next one first; connections that may have died with the call's are not used again. */
  #leave(endpoint: Endpoint, failure: HttpFailure): HttpFailure {
    if (this.#endpoints[this.#first] === endpoint) this.#first = (this.#first + 1) % this.#endpoints.length;
    endpoint.dropIdle();
    if (failure.kind === 'refused') this.#pem.forget();
    return failure;
  }
}

/** What a proxy or a member says that cannot answer while another one may. */
const notHere: ReadonlySet<number> = new Set([502, 503, 504]);

/** Without its query, which may hold a token. */
export function nameOf({ method, path }: Pick<HttpCall, 'method' | 'path'>): string {
  return `${method} ${path.split('?')[0]}`;
}

function toSending(
  { method, path, headers = {}, body, connection = 'shared' }: HttpCall,
  signal: AbortSignal,
) {
  return { method, path, headers, body, connection, signal };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of unpacked(answer)) {
    pieces.push(piece);
    length += piece.length;
    if (length > longestAnswer) throw new Error(`the answer is longer than ${longestAnswer} bytes`);
  }
  return Buffer.concat(pieces).toString();
}

/** Only who asks for it is answered in gzip. */
function unpacked(answer: IncomingMessage): AsyncIterable<Buffer> {
  if (answer.headers['content-encoding'] !== 'gzip') return answer;
  // What goes wrong with either reaches whoever reads.
  return pipeline(answer, createGunzip(), () => undefined);
}
