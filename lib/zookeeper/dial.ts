import type { Socket } from 'node:net';
import type { Pem } from '../http/pem.ts';
import { isOfTls, reasonOf } from '../http/reason.ts';
import { TimeLimit } from '../http/time-limit.ts';
import { Connection } from './connection.ts';
import { Frames } from './frames.ts';
import { greet, NotGreeted } from './greet.ts';
import type { Greeting, Hello } from './handshake.ts';
import { formatServer, openSocket, type ServerAddress } from './transport.ts';

export type Dialling = {
  readonly server: ServerAddress;
  readonly hello: Hello;
  /** Undefined for a connection without TLS. */
  readonly pem: Pem | undefined;
  /** `user:password`. */
  readonly credentials: string | undefined;
  /** How long all of it may take. */
  readonly dialMs: number;
  readonly answerMs: number;
  readonly signal: AbortSignal;
};

export type Dialled =
  | (Extract<Greeting, { kind: 'session' }> & { readonly connection: Connection })
  | Extract<Greeting, { kind: 'expired' }>;

/** No session over this server now; the message names it. */
export class DialFailure extends Error {
  readonly kind: 'unreachable' | 'not-greeted' | 'tls';

  constructor(kind: DialFailure['kind'], message: string, options: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * Connects with one server and opens, or goes on with, a session.
 * @throws DialFailure
 */
export async function dial(dialling: Dialling): Promise<Dialled> {
  const { server, pem, dialMs, signal } = dialling;
  using limit = new TimeLimit([signal], dialMs);
  let socket: Socket | undefined;
  try {
    socket = await openSocket(server, pem, limit.signal);
    return await openSession(socket, dialling, limit.signal);
  } catch (cause) {
    socket?.destroy();
    throw toDialFailure(server, cause);
  }
}

async function openSession(
  socket: Socket,
  { server, hello, credentials, answerMs }: Dialling,
  signal: AbortSignal,
): Promise<Dialled> {
  const frames = new Frames();
  const greeting = await greet(socket, { hello, frames, signal });
  if (greeting.kind === 'expired') {
    socket.destroy();
    return greeting;
  }
  const { timeoutMs: sessionTimeoutMs } = greeting;
  const connection = new Connection({
    server: formatServer(server),
    socket,
    frames,
    sessionTimeoutMs,
    answerMs,
  });
  if (credentials !== undefined) connection.authenticate(credentials);
  return { ...greeting, connection };
}

function toDialFailure(server: ServerAddress, cause: unknown): DialFailure {
  const because = reasonOf(cause);
  const where = `zookeeper at ${formatServer(server)}`;
  if (cause instanceof NotGreeted) return new DialFailure('not-greeted', `${where}: ${because}`, { cause });
  if (isOfTls(cause))
    return new DialFailure('tls', `${where}: ${because} (tls: see ca, cert and key, and the port)`, {
      cause,
    });
  return new DialFailure('unreachable', `${where}: ${because}`, { cause });
}
