import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Pem } from './pem.ts';

/** A call on its way to one endpoint. */
export type Sending = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for a call that has none. */
  readonly body: string | undefined;
  /** A stream has a connection of its own, which ends with it; calls share those that are kept open. */
  readonly connection: 'shared' | 'own';
  readonly signal: AbortSignal;
};

/** A connection that takes longer than this will hardly come. */
const connectMs = 1_000;

/** So often, in milliseconds, it is looked whether the machine has lost an address: that reads all its links. */
const lookEveryMs = 100;

/** After this much silence the kernel asks whether the other side of a stream is still there. */
const keepAliveMs = 5_000;

/** The files of a connection's TLS cannot be read; no connection was tried. */
export class PemUnreadable extends Error {}

/** One endpoint, and the connections that are kept open with it. */
export class Endpoint implements Disposable {
  readonly url: string;
  readonly #place: Pick<RequestOptions, 'host' | 'port'>;
  readonly #isTls: boolean;
  readonly #pem: () => Promise<Pem>;
  readonly #mostSockets: number;
  #agent: HttpAgent | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param url `http://host:port` or `https://host:port`
   * @param mostSockets shared connections at most; calls beyond wait for one
   */
  constructor(url: string, pem: () => Promise<Pem>, mostSockets = Number.POSITIVE_INFINITY) {
    const { protocol, hostname, port } = new URL(url);
    this.url = url;
    this.#isTls = protocol === 'https:';
    this.#place = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (this.#isTls ? 443 : 80) : Number(port),
    };
    this.#pem = pem;
    this.#mostSockets = mostSockets;
  }

  /** Resolves when the answer begins, whatever its status. What is sent must bear to be sent twice. */
  async send(sending: Sending): Promise<IncomingMessage> {
    try {
      return await this.#sendOnce(sending);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      this.dropIdle();
      return this.#sendOnce(sending);
    }
  }

  /** Closes the connections that no call uses: where one has died they may all have. */
  dropIdle(): void {
    for (const socket of this.#idle) socket.destroy();
  }

  /** Closes all shared connections. */
  [Symbol.dispose](): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  get #idle(): readonly Socket[] {
    return Object.values(this.#agent?.freeSockets ?? {}).flatMap((sockets) => sockets ?? []);
  }

  async #sendOnce(sending: Sending): Promise<IncomingMessage> {
    const pem = this.#isTls ? await this.#readPem() : {};
    sending.signal.throwIfAborted();
    this.#dropOrphans();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = this.#request(sending, pem);
    limitConnecting(sent, this.#isTls ? 'secureConnect' : 'connect');
    let isAnswered = false;
    sent.on('response', (answer) => {
      isAnswered = true;
      resolve(answer);
    });
    sent.on('error', (error) => {
      const isStale = sent.reusedSocket && !isAnswered && !sending.signal.aborted;
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    sent.end(sending.body);
    return promise;
  }

  /** A connection from an address that this machine has lost is dead, which would else be found out by waiting. */
  #dropOrphans(): void {
    const idle = this.#idle.filter(({ localAddress = '' }) => !isLoopback(localAddress));
    if (idle.length === 0 || performance.now() - this.#lookedAtMs < lookEveryMs) return;
    this.#lookedAtMs = performance.now();
    const interfaces = Object.values(networkInterfaces());
    const own = new Set(interfaces.flatMap((addresses = []) => addresses.map(({ address }) => address)));
    for (const socket of idle) if (!own.has(socket.localAddress ?? '')) socket.destroy();
  }

  async #readPem(): Promise<Pem> {
    try {
      return await this.#pem();
    } catch (cause) {
      throw new PemUnreadable(`the files of tls: ${cause}`, { cause });
    }
  }

  #request({ method, path, headers, body, connection, signal }: Sending, pem: Pem): ClientRequest {
    const request = this.#isTls ? requestHttps : requestHttp;
    return request({
      ...this.#place,
      ...pem,
      method,
      path,
      signal,
      agent: connection === 'own' ? false : this.#shared(),
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
    });
  }

  #shared(): HttpAgent {
    const options = { keepAlive: true, maxSockets: this.#mostSockets };
    this.#agent ??= this.#isTls ? new HttpsAgent(options) : new HttpAgent(options);
    return this.#agent;
  }
}

/** The server closed a connection that was idle in the moment in which it was used again. */
class StaleConnection extends Error {}

/** No machine loses those. */
function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function limitConnecting(sent: ClientRequest, connected: 'connect' | 'secureConnect'): void {
  sent.on('socket', (socket) => {
    socket.setKeepAlive(true, keepAliveMs);
    if (!socket.connecting) return;
    const giveUp = () => sent.destroy(new Error(`no connection within ${connectMs} ms`));
    const timer = setTimeout(giveUp, connectMs);
    socket.once(connected, () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  });
}
