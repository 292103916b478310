import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Pem } from '../http/pem.ts';

/** A server of an ensemble; an IPv6 address without brackets. */
export type ServerAddress = { readonly host: string; readonly port: number };

/** As messages name it, and as it is configured. */
export function formatServer({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Resolves when the connection is there, with TLS when that is. @param pem undefined for a connection without TLS */
export function openSocket(
  { host, port }: ServerAddress,
  pem: Pem | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  signal.throwIfAborted();
  const socket = pem === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...pem });
  const giveUp = () => socket.destroy(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  socket.setNoDelay(true);
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the server has closed the connection')));
  socket.once(pem === undefined ? 'connect' : 'secureConnect', () => {
    signal.removeEventListener('abort', giveUp);
    resolve(socket);
  });
  return promise;
}
