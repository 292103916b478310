import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';
import { formatAddress, isLoopback, parseAddress } from '../net/address.ts';
import type { ApiToken } from './access.ts';
import type { ApiLimits } from './limits.ts';
import { answerMalformed } from './malformed.ts';
import { checkSocketPath, listen, listenOnSocket } from './unix-socket.ts';

/** A Unix socket: whoever may open the file may do everything. */
export type SocketListen = { readonly kind: 'unix'; readonly path: string; readonly mode?: number };

/** A TCP port: every caller needs a token. */
export type TcpListen = {
  readonly kind: 'tcp';
  /** An IP address of this machine, or of all its interfaces. */
  readonly address: string;
  /** 0 for one that is free. */
  readonly port: number;
  readonly tokens: readonly ApiToken[];
  readonly tls?: ApiTls;
  /** Lets tokens and answers cross a network unencrypted. */
  readonly plaintext?: boolean;
};

export type ApiListen = SocketListen | TcpListen;

/** PEM texts. */
export type ApiTls = {
  readonly cert: string;
  readonly key: string;
  /** Where given, callers must show a certificate that it has signed. */
  readonly clientCa?: string;
};

/** A server that accepts connections. */
export type Listener = {
  readonly server: Server;
  /** The socket's path, or `https://address:port`. */
  readonly where: string;
  /** Takes away what would be left behind. */
  readonly remove: () => void;
};

const defaultMode = 0o660;
const shortestToken = 16;

/** @throws CniError code 7 for what would be unsafe or cannot work */
export function checkListen(listening: ApiListen): void {
  if (listening.kind === 'unix') checkSocketPath(listening.path);
  else checkTcp(listening);
}

/** @throws CniError code 5 where the address is not to be had, code 7 for a certificate that cannot be read */
export async function openListener(
  listening: ApiListen,
  onRequest: RequestListener,
  limits: ApiLimits,
): Promise<Listener> {
  const server = createHttpServer(listening, optionsOf(limits), onRequest);
  server.maxConnections = limits.connections;
  answerMalformed(server);
  try {
    return { server, ...(await openOn(listening, server)) };
  } catch (error) {
    server.close();
    throw error;
  }
}

async function openOn(listening: ApiListen, server: Server): Promise<Omit<Listener, 'server'>> {
  if (listening.kind === 'unix') {
    const { path, mode = defaultMode } = listening;
    return { where: path, remove: await listenOnSocket(server, path, mode) };
  }
  const { address, port, tls } = listening;
  await listen(server, { host: address, port }).catch((error: unknown) => {
    const problem = `listening on ${address} port ${port} for the API: ${messageOf(error)}`;
    throw new CniError(ErrorCode.ioFailure, problem, { cause: error });
  });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  const host = address.includes(':') ? `[${address}]` : address;
  return { where: `${tls === undefined ? 'http' : 'https'}://${host}:${boundPort}`, remove: () => {} };
}

function createHttpServer(listening: ApiListen, options: ServerOptions, onRequest: RequestListener): Server {
  if (listening.kind === 'unix' || listening.tls === undefined) return createServer(options, onRequest);
  const { cert, key, clientCa } = listening.tls;
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  try {
    return createTlsServer({ ...options, cert, key, ...clients, minVersion: 'TLSv1.2' }, onRequest);
  } catch (error) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `the API's certificate, its key or the clients' CA cannot be read: ${messageOf(error)}; expected PEM`,
      { cause: error },
    );
  }
}

function optionsOf({ headerBytes, requestTimeoutMs }: ApiLimits): ServerOptions {
  return {
    maxHeaderSize: headerBytes,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs),
    keepAliveTimeout: 30_000,
    // Finds watchers whose machine has gone without a word.
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  };
}

function checkTcp({ address, port, tokens, tls, plaintext = false }: TcpListen): void {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw refused(address, 'expected an IP address to listen on');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw refused(address, `${port} is no port`);
  if (tokens.length === 0) throw refused(address, 'over TCP every caller needs a token: give at least one');
  const weak = tokens.find(({ token }) => !/^[\x21-\x7e]+$/.test(token) || token.length < shortestToken);
  if (weak !== undefined) {
    const form = `${shortestToken} printable characters or more, without white space`;
    throw refused(address, `the token ${weak.name} must have ${form}`);
  }
  if (tls !== undefined || isLoopback(parsed) || plaintext) return;
  throw refused(
    formatAddress(parsed),
    'tokens would cross the network in the clear: give a certificate, listen on a loopback address, or set plaintext',
  );
}

function refused(address: string, problem: string): CniError {
  return new CniError(ErrorCode.invalidConfig, `the API's listener ${address}: ${problem}`);
}
