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
import { EtcdError } from './etcd.ts';
import type { Pem } from './pem.ts';

/** A call on its way to one endpoint. */
export type Post = {
  readonly path: string;
  readonly body: string;
  readonly token: string | undefined;
  /** A stream has a connection of its own, which ends with it; calls share those that are kept open. */
  readonly connection: 'shared' | 'own';
  readonly signal: AbortSignal;
};

/** A connection that takes longer than this will hardly come. */
const connectMs = 1_000;

/** After this much silence the kernel asks whether the other side of a stream is still there. */
const keepAliveMs = 5_000;

/** One endpoint, and the connections that are kept open with it. */
export class Endpoint implements Disposable {
  readonly url: string;
  readonly #place: Pick<RequestOptions, 'host' | 'port'>;
  readonly #isTls: boolean;
  readonly #pem: () => Promise<Pem>;
  #agent: HttpAgent | undefined;

  /** @param url `http://host:port` or `https://host:port` */
  constructor(url: string, pem: () => Promise<Pem>) {
    const { protocol, hostname, port } = new URL(url);
    this.url = url;
    this.#isTls = protocol === 'https:';
    this.#place = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (this.#isTls ? 443 : 80) : Number(port),
    };
    this.#pem = pem;
  }

  /** Resolves when the answer begins. */
  async post(post: Post): Promise<IncomingMessage> {
    try {
      return await this.#postOnce(post);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      this.dropIdle();
      return this.#postOnce(post);
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

  async #postOnce(post: Post): Promise<IncomingMessage> {
    const pem = this.#isTls ? await this.#readPem() : {};
    post.signal.throwIfAborted();
    this.#dropOrphans();
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = this.#request(post, pem);
    limitConnecting(sent, this.#isTls ? 'secureConnect' : 'connect');
    let isAnswered = false;
    sent.on('response', (answer) => {
      isAnswered = true;
      resolve(answer);
    });
    sent.on('error', (error) => {
      const isStale = sent.reusedSocket && !isAnswered && !post.signal.aborted;
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    sent.end(post.body);
    return promise;
  }

  /** A connection from an address that this machine has lost is dead, which would else be found out by waiting. */
  #dropOrphans(): void {
    const idle = this.#idle;
    if (idle.length === 0) return;
    const interfaces = Object.values(networkInterfaces());
    const own = new Set(interfaces.flatMap((addresses = []) => addresses.map(({ address }) => address)));
    for (const socket of idle) if (!own.has(socket.localAddress ?? '')) socket.destroy();
  }

  async #readPem(): Promise<Pem> {
    try {
      return await this.#pem();
    } catch (cause) {
      throw new EtcdError('refused', this.url, `etcd at ${this.url}: the files of tls: ${cause}`, cause);
    }
  }

  #request({ path, body, token, connection, signal }: Post, pem: Pem): ClientRequest {
    const request = this.#isTls ? requestHttps : requestHttp;
    return request({
      ...this.#place,
      ...pem,
      method: 'POST',
      path,
      signal,
      agent: connection === 'own' ? false : this.#shared(),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        // A member without a leader fails the call rather than keeping it until there is one.
        'grpc-metadata-hasleader': 'true',
        ...(token === undefined ? {} : { authorization: token }),
      },
    });
  }

  #shared(): HttpAgent {
    this.#agent ??= this.#isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    return this.#agent;
  }
}

/** The server closed a connection that was idle in the moment in which it was used again. */
class StaleConnection extends Error {}

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
