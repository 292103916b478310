import { backoffMs, sleep } from '../client/backoff.ts';
import { PemFiles } from '../http/pem.ts';
import { reasonOf } from '../http/reason.ts';
import type { Connection } from './connection.ts';
import { DialFailure, type Dialled, dial } from './dial.ts';
import type { SessionIdentity } from './handshake.ts';
import type { SessionOptions } from './session-options.ts';
import { formatServer, type ServerAddress } from './transport.ts';
import { Waiting } from './waiting.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

const longestPauseMs = 5_000;
/** Less would lose a server that is only slow. */
const shortestDialMs = 500;
/** A connection that ends sooner has not done any good: the next try waits. */
const shortLifeMs = 2_000;
/** Rounds in which servers hang up before it is believed that none of them will ever be as far as this client has seen. */
const mostSnubs = 2;

/**
 * A session with an ensemble, over one connection at a time, kept up by one loop: whoever else notices an end leaves it to
 * that. A session that has expired is followed by a new one.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #pem: PemFiles;
  readonly #end = new AbortController();
  readonly #waiting: Waiting<Connection>;
  #keeping: Promise<void> | undefined;
  #identity: SessionIdentity | undefined;
  #connection: Connection | undefined;
  #credentials: string | undefined;
  #lastZxid = 0n;
  #snubs = 0;
  #isAway = false;
  /** As it was negotiated last. */
  #sessionTimeoutMs: number;
  #next: number;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#pem = new PemFiles(options.tls);
    this.#waiting = new Waiting(options.timeoutMs);
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    // Not everybody at the same server.
    this.#next = Math.floor(Math.random() * options.servers.length);
  }

  /** Undefined before the first, and between an expired one and the next. */
  get identity(): SessionIdentity | undefined {
    return this.#identity;
  }

  /** Undefined while there is none. */
  get current(): Connection | undefined {
    return this.#connection;
  }

  /** Begins to connect, unless that has been done. */
  start(): void {
    this.#keeping ??= this.#keep();
  }

  /**
   * The connection, once there is one.
   * @throws ZooKeeperError where no server can be reached, or not in time
   */
  async connected(): Promise<Connection> {
    if (this.#end.signal.aborted) throw new ZooKeeperError('CONNECTIONLOSS', 'this client has been closed');
    this.start();
    return this.#connection ?? this.#waiting.wait();
  }

  /** After a refusal: goes on over a connection with other credentials, where they are others by now. */
  async recheckCredentials(): Promise<void> {
    const connection = this.#connection;
    const used = this.#credentials;
    const now = await this.#options.credentials().catch(() => used);
    if (now !== used && this.#connection === connection) connection?.leave('the password has changed');
  }

  /** Ends the connection, and no other one follows; the session outlives it by its timeout. */
  async leave(): Promise<void> {
    this.#end.abort();
    this.#connection?.leave('this client has been closed');
    this.#waiting.fail('this client has been closed');
    await this.#keeping;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#end;
    let failures = 0;
    while (!signal.aborted) {
      const connection = await this.#connect();
      const livedMs = connection === undefined ? 0 : await this.#use(connection);
      // A server that is there again, and behind, is not to be waited for as one that is away.
      const isSnubbed = this.#snubs > 0 && this.#snubs <= mostSnubs + 1;
      failures = livedMs >= shortLifeMs ? 0 : isSnubbed ? 1 : failures + 1;
      if (failures > 0) await sleep(Math.min(backoffMs(failures), longestPauseMs), signal);
    }
  }

  /** @returns how long the connection has lived */
  async #use(connection: Connection): Promise<number> {
    const since = performance.now();
    this.#connection = connection;
    this.#isAway = false;
    this.#waiting.succeed(connection);
    await connection.ended;
    this.#connection = undefined;
    if (connection.lastZxid > this.#lastZxid) this.#lastZxid = connection.lastZxid;
    this.#advance();
    return performance.now() - since;
  }

  /** Tries each server once; who waits is told if none of them will do. */
  async #connect(): Promise<Connection | undefined> {
    const { servers } = this.#options;
    const failures: unknown[] = [];
    for (let tried = 0; tried < servers.length && !this.#end.signal.aborted; tried++)
      try {
        return await this.#open();
      } catch (error) {
        failures.push(error);
        this.#advance();
      }
    this.#noteSnub(failures);
    // Sorted, since the order in which they are tried changes, and the same state is to have the same message.
    this.#waiting.fail(failures.map(reasonOf).sort().join('; '));
    this.#noteAway();
    return undefined;
  }

  /** Told once, until there is a connection again. */
  #noteAway(): void {
    if (!this.#isAway && !this.#end.signal.aborted) this.#options.onAway();
    this.#isAway = true;
  }

  async #open(): Promise<Connection> {
    const dialled = await this.#dial();
    if (dialled.kind === 'session') return this.#begin(dialled);
    this.#expire();
    const again = await this.#dial();
    if (again.kind === 'session') return this.#begin(again);
    throw new Error(`zookeeper at ${formatServer(this.#server)}: the server does not open a session`);
  }

  #begin({ connection, identity, timeoutMs }: Extract<Dialled, { kind: 'session' }>): Connection {
    this.#identity = identity;
    this.#sessionTimeoutMs = timeoutMs;
    this.#snubs = 0;
    return connection;
  }

  get #server(): ServerAddress {
    const { servers } = this.#options;
    return servers[this.#next] ?? servers[0];
  }

  async #dial(): Promise<Dialled> {
    const { servers, tls, credentials, sessionTimeoutMs, timeoutMs } = this.#options;
    try {
      this.#credentials = await credentials();
      return await dial({
        server: this.#server,
        hello: { identity: this.#identity, lastZxid: this.#lastZxid, timeoutMs: sessionTimeoutMs },
        pem: tls === undefined ? undefined : await this.#pem.read(),
        credentials: this.#credentials,
        // The session is to be saved by another server, where one hangs.
        dialMs: Math.max(shortestDialMs, Math.min(timeoutMs, this.#sessionTimeoutMs / 3 / servers.length)),
        answerMs: timeoutMs,
        signal: this.#end.signal,
      });
    } catch (error) {
      if (!(error instanceof DialFailure) || error.kind === 'tls') this.#pem.forget();
      throw error;
    }
  }

  /**
   * A server that is behind what this client has seen hangs up. After their data was lost all are, for ever: then none of
   * them is told any more what this client has seen.
   */
  #noteSnub(failures: readonly unknown[]): void {
    const isSnub = failures.some(
      (failure) => failure instanceof DialFailure && failure.kind === 'not-greeted',
    );
    if (isSnub) this.#snubs += 1;
    if (this.#snubs >= mostSnubs) this.#lastZxid = 0n;
  }

  #expire(): void {
    this.#lastZxid = 0n;
    if (this.#identity === undefined) return;
    this.#identity = undefined;
    this.#options.onExpired();
  }

  #advance(): void {
    this.#next = (this.#next + 1) % this.#options.servers.length;
  }
}
