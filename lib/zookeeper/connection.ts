import type { Socket } from 'node:net';
import { reasonOf } from '../http/reason.ts';
import { type Frames, toFrame } from './frames.ts';
import { JuteError } from './jute-reader.ts';
import type { Operation } from './operation.ts';
import { type Reply, readReply, writeAuthentication, writePing, writeRequest, xids } from './reply.ts';
import { Silence } from './silence.ts';
import { type Watch, type Watched, Watches } from './watches.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

export type ConnectionOptions = {
  /** `host:port`. */
  readonly server: string;
  readonly socket: Socket;
  /** What has begun to come already. */
  readonly frames: Frames;
  /** As it was negotiated. */
  readonly sessionTimeoutMs: number;
  /** How long the server may leave a request without any answer. */
  readonly answerMs: number;
};

/** What a read leaves behind on the server. */
export type Watching = { readonly watched: Watched; readonly path: string; readonly watch: Watch };

/** A session's connection with one server: requests, answered in order, and the events of watches. */
export class Connection {
  readonly server: string;
  readonly #socket: Socket;
  readonly #frames: Frames;
  readonly #pending = new Map<number, Pending>();
  readonly #watches = new Watches();
  readonly #silence: Silence;
  readonly #ended = Promise.withResolvers<ZooKeeperError>();
  #failure: ZooKeeperError | undefined;
  #lastXid = 0;
  #lastZxid = 0n;

  constructor({ server, socket, frames, sessionTimeoutMs, answerMs }: ConnectionOptions) {
    this.server = server;
    this.#socket = socket;
    this.#frames = frames;
    this.#silence = new Silence({
      sessionTimeoutMs,
      answerMs,
      ping: () => this.#write(writePing()),
      giveUp: (because) => this.#lose(because),
    });
    socket.on('data', (piece: Buffer) => this.#read(piece));
    socket.on('error', (error) => this.#lose(reasonOf(error)));
    socket.on('close', () => this.#lose('the server has closed the connection'));
    socket.resume();
  }

  /** Resolves with the reason when the connection is no more. */
  get ended(): Promise<ZooKeeperError> {
    return this.#ended.promise;
  }

  /** The latest transaction that an answer has told of; 0 for none. */
  get lastZxid(): bigint {
    return this.#lastZxid;
  }

  /** @param credentials `user:password`; a refusal ends the connection */
  authenticate(credentials: string): void {
    this.#write(writeAuthentication(credentials));
  }

  /**
   * What the server answers; requests are carried out in the order in which they are made.
   * @throws ZooKeeperError
   */
  request<T>(operation: Operation<T>, watching?: Watching): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#refusalOf(operation.name, this.#failure));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const xid = this.#nextXid();
    const answer = ({ code, body }: Answer) => {
      const isWatched = code === 0 || (code === noNode && operation.watchesMissing === true);
      if (watching !== undefined && isWatched)
        this.#watches.add(watching.watched, watching.path, watching.watch);
      if (code !== 0) reject(ZooKeeperError.ofCode(code, this.#where(operation.name)));
      else resolve(operation.read(body));
    };
    this.#pending.set(xid, { name: operation.name, answer, reject });
    this.#silence.expectAnswer();
    this.#write(writeRequest(xid, operation.opcode, operation.body));
    return promise;
  }

  forget({ watched, path, watch }: Watching): void {
    this.#watches.forget(watched, path, watch);
  }

  /** Leaves the session behind, which outlives the connection by its timeout. */
  leave(because: string): void {
    this.#lose(because);
  }

  /** What is written in one turn goes out in as few packets as it fits into. */
  #write(bytes: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(toFrame(bytes));
  }

  #read(piece: Buffer): void {
    this.#silence.heard();
    try {
      for (const frame of this.#frames.push(piece)) this.#take(readReply(frame));
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#lose(
        `${error.message}: not what ZooKeeper writes (is this its client port, and with the same tls?)`,
      );
    }
  }

  #take(reply: Reply): void {
    if (reply.kind === 'event') this.#watches.tell(reply.change, reply.path);
    if (reply.kind !== 'answer') return;
    if (reply.xid === xids.authentication) this.#takeAuthentication(reply.code);
    else if (reply.xid !== xids.ping) this.#takeAnswer(reply);
  }

  #takeAnswer(reply: Answer & { readonly xid: number }): void {
    const pending = this.#pending.get(reply.xid);
    if (pending === undefined) throw new JuteError(`an answer to a request ${reply.xid} that was not made`);
    if (reply.zxid > this.#lastZxid) this.#lastZxid = reply.zxid;
    this.#answer(reply, pending);
  }

  #answer(reply: Answer & { readonly xid: number }, pending: Pending): void {
    try {
      pending.answer(reply);
    } catch (error) {
      if (error instanceof JuteError) throw error;
      pending.reject(error instanceof ZooKeeperError ? error.at(this.server) : error);
    }
    this.#pending.delete(reply.xid);
    this.#silence.answered(this.#pending.size);
  }

  #takeAuthentication(code: number): void {
    if (code !== 0) this.#end(ZooKeeperError.ofCode(code, this.#where('authenticating')));
  }

  #lose(because: string): void {
    this.#end(new ZooKeeperError('CONNECTIONLOSS', because));
  }

  #end(failure: ZooKeeperError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#silence.end();
    this.#socket.destroy();
    for (const { name, reject } of this.#pending.values()) reject(this.#refusalOf(name, failure));
    this.#pending.clear();
    this.#watches.lose();
    this.#ended.resolve(failure);
  }

  #refusalOf(name: string, { kind, message }: ZooKeeperError): ZooKeeperError {
    return new ZooKeeperError(kind, kind === 'CONNECTIONLOSS' ? this.#where(`${name}: ${message}`) : message);
  }

  #where(what: string): string {
    return `zookeeper at ${this.server}: ${what}`;
  }

  #nextXid(): number {
    this.#lastXid = this.#lastXid === 0x7fff_ffff ? 1 : this.#lastXid + 1;
    return this.#lastXid;
  }
}

type Answer = Pick<Extract<Reply, { kind: 'answer' }>, 'code' | 'body' | 'zxid'>;

type Pending = {
  readonly name: string;
  /** @throws JuteError for what cannot be read, ZooKeeperError for what is refused within */
  readonly answer: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

const noNode = -101;
