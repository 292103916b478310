import { type ChildProcess, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { messageOf } from '../errors/cni-error.ts';
import { ownExecutable } from './own-executable.ts';

/** A process of this same executable that works for this one. */
export type Worker = {
  readonly pid: number;
  /** Resolves, with the reason, when it has ended, of itself or not. */
  readonly ended: Promise<string>;
  /** Ends it at once, whatever it is doing. */
  readonly kill: () => void;
};

/** What a worker is started with. */
export type WorkerStart = {
  readonly args: readonly string[];
  /** A file of ours that the worker has as descriptor 3. */
  readonly fd: number;
  /** Told what the worker writes to descriptor 4, in pieces that may end anywhere. */
  readonly tell: (piece: Buffer) => void;
};

/** Starts a worker. */
export type StartWorker = (start: WorkerStart) => Worker;

/**
 * Of V8's young generation, in MB. It grows with what was ever in use at once, and does not shrink in a process that is never
 * idle for long: without a limit a worker's memory doubles over some ten thousand calls. More of it makes no call quicker.
 */
const youngMb = 2;
/** What a worker tells is read no more often: to be woken for each call takes longer than to read what it has told. */
const readEveryMs = 200;

/** Starts a worker that has our environment, and our stderr for its log. One that cannot be started has ended. */
export const startWorker: StartWorker = (start) => {
  try {
    return toWorker(spawnWorker(start), start.tell);
  } catch (error) {
    return { pid: 0, ended: Promise.resolve(messageOf(error)), kill: () => undefined };
  }
};

function spawnWorker({ args, fd }: WorkerStart): ChildProcess {
  return spawn(ownExecutable, [`--node-options=--max-semi-space-size=${youngMb}`, ...args], {
    argv0: 'fairlead',
    stdio: ['ignore', 'ignore', 'inherit', fd, 'pipe'],
  });
}

function toWorker(child: ChildProcess, tell: WorkerStart['tell']): Worker {
  const ended = endOf(child);
  // Where there were no descriptors left, there is none of this either.
  const told = child.stdio?.[4];
  if (told instanceof Readable) readAtTimes(told, tell);
  return { pid: child.pid ?? 0, ended, kill: () => void child.kill('SIGKILL') };
}

function readAtTimes(stream: Readable, tell: WorkerStart['tell']): void {
  stream.on('data', (piece: Buffer) => {
    stream.pause();
    setTimeout(() => stream.resume(), readEveryMs);
    tell(piece);
  });
  // What it has not told when it ends, nobody waits for.
  stream.on('error', () => undefined);
}

function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.on('error', (error) => resolve(error.message));
  child.on('exit', (status, signal) => resolve(signal === null ? `status ${status}` : `signal ${signal}`));
  return promise;
}
