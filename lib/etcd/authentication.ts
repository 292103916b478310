import { readFile } from 'node:fs/promises';
import { TimeLimit } from '../http/time-limit.ts';
import { unlessAborted } from '../http/unless-aborted.ts';
import { readAnswer } from './answer.ts';
import type { Cluster } from './cluster.ts';
import type { EtcdConfig } from './config.ts';
import { EtcdError } from './etcd.ts';
import { TokenRefused } from './failure.ts';
import { type JsonObject, Malformed } from './wire.ts';

type User = NonNullable<EtcdConfig['user']>;

/** The token of the configured user, fetched when it is needed first, and again when it is refused. */
export class Authentication {
  readonly #cluster: Cluster;
  readonly #config: EtcdConfig;
  readonly #closed: AbortSignal;
  #token: Promise<string | undefined> | undefined;

  constructor(cluster: Cluster, config: EtcdConfig, closed: AbortSignal) {
    this.#cluster = cluster;
    this.#config = config;
    this.#closed = closed;
  }

  /**
   * Runs a call with a token, and once more with a new one where it is refused.
   * @throws EtcdError
   */
  async with<T>(call: (token: string | undefined) => Promise<T>, signal: AbortSignal): Promise<T> {
    const used = this.#current();
    try {
      return await call(await unlessAborted(used, signal));
    } catch (error) {
      if (isOfToken(error) && this.#token === used) this.#token = undefined;
      if (!(error instanceof TokenRefused) || this.#config.user === undefined) throw error;
      return call(await unlessAborted(this.#current(), signal));
    }
  }

  /** Callers at the same time share one authentication, which costs the server a hash made to be slow. */
  #current(): Promise<string | undefined> {
    if (this.#token !== undefined) return this.#token;
    const token = this.#authenticate();
    this.#token = token;
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  async #authenticate(): Promise<string | undefined> {
    const { user, timeoutMs } = this.#config;
    if (user === undefined) return undefined;
    const password = await this.#passwordOf(user);
    using limit = new TimeLimit([this.#closed], timeoutMs);
    try {
      return await this.#cluster.ask({
        name: 'auth/authenticate',
        body: { name: user.name, password },
        connection: 'shared',
        token: undefined,
        read: async (answer, asked) => parseToken(await readAnswer(answer, asked)),
        signal: limit.signal,
      });
    } catch (error) {
      if (isNotEnabled(error)) return undefined;
      throw error instanceof EtcdError && error.kind === 'refused' ? refused(user, error) : error;
    }
  }

  async #passwordOf({ name, password, passwordFile }: User): Promise<string> {
    if (password !== undefined) return password;
    try {
      return (await readFile(passwordFile ?? '', 'utf8')).replace(/\r?\n$/, '');
    } catch (cause) {
      const { endpoint } = this.#cluster;
      throw new EtcdError(
        'refused',
        endpoint,
        `reading the password of etcd's user "${name}": ${cause}`,
        cause,
      );
    }
  }
}

function parseToken({ token }: JsonObject): string {
  if (typeof token === 'string' && token !== '') return token;
  throw new Malformed('the answer has no token');
}

/**
 * Also of a call that was not answered: a server that has begun anew holds back a call with an older one's token until its
 * store has seen as much as that one's (tried with 3.4), which is for ever.
 */
function isOfToken(error: unknown): boolean {
  return error instanceof TokenRefused || (error instanceof EtcdError && error.kind === 'unreachable');
}

/** A cluster may be given users later than its clients are. */
function isNotEnabled(error: unknown): boolean {
  return error instanceof EtcdError && error.message.includes('authentication is not enabled');
}

function refused({ name }: User, { endpoint, message, cause }: EtcdError): EtcdError {
  return new EtcdError('refused', endpoint, `${message} (user "${name}")`, cause);
}
