import { lstatSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { errnoOf, ifExists, onFiles } from '../errors/system-error.ts';
import { makeScratch, publishSocket } from '../files/socket-file.ts';

/** Bytes of a socket's path at most: sun_path of unix(7), less its closing zero. */
const longestPath = 107;
/** Watchers come back all at once; a full queue of a Unix socket refuses them with EAGAIN. The kernel has the last word. */
const backlog = 4_096;
const privateName = '/.new-XXXXXX/s';

/** @throws CniError code 7 */
export function checkSocketPath(path: string): void {
  const isUsable = path.startsWith('/') && !path.includes('\0') && !path.endsWith('/');
  const longest = Math.max(Buffer.byteLength(path), Buffer.byteLength(dirname(path) + privateName));
  if (isUsable && longest <= longestPath) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `the API's socket ${path}: expected an absolute path whose directory has at most ` +
      `${longestPath - privateName.length} bytes, and the whole at most ${longestPath}`,
  );
}

/**
 * Has a server listen on a socket file. The file appears whole: bound in a private directory, given its mode, and moved
 * over what a dead agent has left.
 * @returns removes the file, unless another agent's has taken its place
 * @throws CniError code 5 where a live agent serves it, or something else is there
 */
export async function listenOnSocket(server: Server, path: string, mode: number): Promise<() => void> {
  await refuseTaken(path);
  const doing = `making the API's socket ${path}`;
  using scratch = onFiles(doing, () => makeScratch(path));
  await listen(server, scratch.path);
  return onFiles(doing, () => publishSocket(scratch.path, path, mode));
}

/** Listens, or rejects with what stands against it. */
export function listen(server: Server, where: string | { host: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ backlog, ...(typeof where === 'string' ? { path: where } : where) }, () => {
    server.off('error', reject);
    resolve();
  });
  return promise;
}

async function refuseTaken(path: string): Promise<void> {
  const found = ifExists(() => lstatSync(path));
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw taken(path, 'something that is no socket is there', 'remove it, or choose another path');
  }
  const errno = await tryConnect(path);
  if (errno === 'ECONNREFUSED' || errno === 'ENOENT') return;
  if (errno === undefined) throw taken(path, 'another agent serves it', 'stop that one first');
  throw taken(path, `whether another agent serves it cannot be found out (${errno})`, 'run as root');
}

function taken(path: string, what: string, remedy: string): CniError {
  return new CniError(ErrorCode.ioFailure, `the API's socket ${path}: ${what}; ${remedy}`);
}

/** The errno of a connection that failed; undefined for one that did not. */
function tryConnect(path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect(path);
  socket.once('connect', () => resolve(undefined));
  socket.once('error', (error) => resolve(errnoOf(error) ?? 'unknown'));
  return promise.finally(() => socket.destroy());
}
