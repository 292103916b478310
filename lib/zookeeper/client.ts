import type { Connection, Watching } from './connection.ts';
import type { SessionIdentity } from './handshake.ts';
import {
  closeSession,
  createOf,
  deleteOf,
  existsOf,
  getChildrenOf,
  getDataOf,
  multiOf,
  type NewNode,
  type NodeData,
  type Operation,
  type Stat,
  type Step,
  setDataOf,
  syncOf,
} from './operation.ts';
import { Session } from './session.ts';
import type { SessionOptions } from './session-options.ts';
import type { Watch } from './watches.ts';
import { isZooKeeperError, ZooKeeperError } from './zookeeper-error.ts';

export type ZooKeeperOptions = Omit<SessionOptions, 'onExpired' | 'onAway'>;

/** The version that every node has. */
export const anyVersion = -1;

/**
 * A client of a ZooKeeper ensemble. Each call throws ZooKeeperError; after the loss of a connection (kind CONNECTIONLOSS) it
 * may have been carried out. It connects when it is first needed, and keeps its session from then on.
 */
export class ZooKeeperClient implements AsyncDisposable {
  readonly #session: Session;
  readonly #expiryListeners = new Set<() => void>();
  readonly #absenceListeners = new Set<() => void>();
  #rechecking: Promise<void> | undefined;

  constructor(options: ZooKeeperOptions) {
    const onExpired = () => {
      for (const listener of this.#expiryListeners) listener();
    };
    const onAway = () => {
      for (const listener of this.#absenceListeners) listener();
    };
    this.#session = new Session({ ...options, onExpired, onAway });
  }

  /** Of the session in which the latest connection was made; undefined where there is none. */
  get sessionId(): bigint | undefined {
    return this.#session.identity?.id;
  }

  /** With what another connection could go on with the session, or end it; undefined where there is none. */
  get identity(): SessionIdentity | undefined {
    return this.#session.identity;
  }

  /** Begins to connect before it is needed. */
  start(): void {
    this.#session.start();
  }

  /** Tells of each session that expires, until the value is disposed: its ephemeral nodes are gone. */
  onExpired(listener: () => void): Disposable {
    this.#expiryListeners.add(listener);
    return { [Symbol.dispose]: () => this.#expiryListeners.delete(listener) };
  }

  /** Tells, once each time, that no server can be reached any more, until the value is disposed. */
  onAway(listener: () => void): Disposable {
    this.#absenceListeners.add(listener);
    return { [Symbol.dispose]: () => this.#absenceListeners.delete(listener) };
  }

  create(node: NewNode): Promise<void> {
    return this.#request(createOf(node));
  }

  /** Does all of it in one step, or nothing; the error is that of the step that was refused. */
  multi(steps: readonly Step[]): Promise<void> {
    return this.#request(multiOf(steps));
  }

  delete(path: string, version: number): Promise<void> {
    return this.#request(deleteOf(path, version));
  }

  /** Undefined where there is no such node. @param watch told when it comes, changes its data, or goes */
  exists(path: string, watch?: Watch): Promise<Stat | undefined> {
    return orUndefined(this.#request(existsOf(path, watch !== undefined), onData(path, watch)));
  }

  /** Undefined where there is no such node; no watch is kept then. @param watch told when the data changes, or the node goes */
  getData(path: string, watch?: Watch): Promise<NodeData | undefined> {
    return orUndefined(this.#request(getDataOf(path, watch !== undefined), onData(path, watch)));
  }

  /** Undefined where there is no such node; no watch is kept then. @param watch told when one comes or goes, or the node goes */
  getChildren(path: string, watch?: Watch): Promise<readonly string[] | undefined> {
    const watching: Watching | undefined = watch && { watched: 'children', path, watch };
    return orUndefined(this.#request(getChildrenOf(path, watch !== undefined), watching));
  }

  setData(path: string, data: Buffer, version: number): Promise<void> {
    return this.#request(setDataOf(path, data, version));
  }

  /** What is read after this is not older than this call. */
  sync(path: string): Promise<void> {
    return this.#request(syncOf(path));
  }

  /** Ends a watch, if it still waits. */
  forget(watching: Watching): void {
    this.#session.current?.forget(watching);
  }

  /** Ends the connection; the session, and with it what is ephemeral, stays until its timeout is over. */
  leave(): Promise<void> {
    return this.#session.leave();
  }

  /** Ends the session, and with it what is ephemeral. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#session.current?.request(closeSession);
    } catch (error) {
      // Lost before the answer, or by it: the session ends by its timeout.
      if (!(error instanceof ZooKeeperError)) throw error;
    } finally {
      await this.#session.leave();
    }
  }

  async #request<T>(operation: Operation<T>, watching?: Watching): Promise<T> {
    const connection = await this.#connected(operation.name);
    try {
      return await connection.request(operation, watching);
    } catch (error) {
      if (isZooKeeperError(error, 'NOAUTH', 'AUTHFAILED')) this.#recheckCredentials();
      throw error;
    }
  }

  /** Many may be refused at once. */
  #recheckCredentials(): void {
    this.#rechecking ??= this.#session.recheckCredentials().finally(() => {
      this.#rechecking = undefined;
    });
  }

  async #connected(doing: string): Promise<Connection> {
    try {
      return await this.#session.connected();
    } catch (cause) {
      if (!(cause instanceof ZooKeeperError)) throw cause;
      throw new ZooKeeperError(cause.kind, `${doing}: ${cause.message}`, { cause });
    }
  }
}

function onData(path: string, watch: Watch | undefined): Watching | undefined {
  return watch && { watched: 'data', path, watch };
}

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isZooKeeperError(error, 'NONODE')) return undefined;
    throw error;
  }
}
