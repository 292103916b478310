import { closeSync, lstatSync, openSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import { makeScratch, publishSocket } from '../files/socket-file.ts';
import { loadCalls } from './calls.ts';
import { turnsPath } from './places.ts';

/** A socket on which calls arrive, until it is ended. */
export type CallSocket = {
  /** To be handed to the workers. */
  readonly fd: number;
  /** Removes the file, unless another agent's has taken its place, and has nobody wait for connections any more. */
  readonly end: () => void;
};

/** The byte of the file of turns that the agent who serves has locked; attachments have those below 2^60. */
const servingByte = 1n << 61n;

/**
 * Listens for calls. The socket appears whole, for root alone, over what a dead agent has left.
 * @param backlog how many callers may wait for a worker
 * @throws CniError code 5 where a live agent serves it, or something else is there
 */
export function listenForCalls(path: string, backlog: number): CallSocket {
  const calls = loadCalls();
  const doing = `making the socket for CNI calls ${path}`;
  refuseOther(path);
  using scratch = onFiles(doing, () => makeScratch(path));
  const serving = onFiles(doing, () => openSync(turnsPath, 'a', 0o600));
  try {
    if (!calls.tryLock(serving, servingByte)) throw taken(path, 'another agent serves it');
    const fd = calls.listenAt(scratch.path, backlog);
    const remove = publishOrClose(fd, () => onFiles(doing, () => publishSocket(scratch.path, path, 0o600)));
    return { fd, end: () => endServing(fd, serving, remove, calls.endListening) };
  } catch (error) {
    closeSync(serving);
    throw error;
  }
}

function publishOrClose<T>(fd: number, publish: () => T): T {
  try {
    return publish();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The name goes first: whoever comes now finds nobody, and executes the call by itself. */
function endServing(fd: number, serving: number, remove: () => void, end: (fd: number) => void): void {
  remove();
  end(fd);
  closeSync(fd);
  closeSync(serving);
}

function refuseOther(path: string): void {
  const found = ifExists(() => lstatSync(path));
  if (found !== undefined && !found.isSocket()) throw taken(path, 'something that is no socket is there');
}

function taken(path: string, what: string): CniError {
  return new CniError(
    ErrorCode.ioFailure,
    `the socket for CNI calls ${path}: ${what}; stop or remove that first, then the agent serves within seconds`,
  );
}
