import { type ChildProcess, spawn } from 'node:child_process';

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

/** The executable that runs: also when another file has taken its path meanwhile. */
const ownExecutable = '/proc/self/exe';

/** Starts a worker that has our environment, and our stderr for its log. */
export const startWorker: StartWorker = ({ args, fd, tell }) => {
  const child = spawn(ownExecutable, args, {
    argv0: 'fairlead',
    stdio: ['ignore', 'ignore', 'inherit', fd, 'pipe'],
  });
  const reports = child.stdio[4];
  reports?.on('data', tell);
  // What it has not told when it ends, nobody waits for.
  reports?.on('error', () => undefined);
  return { pid: child.pid ?? 0, ended: endOf(child), kill: () => void child.kill('SIGKILL') };
};

function endOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  child.on('error', (error) => resolve(error.message));
  child.on('exit', (status, signal) => resolve(signal === null ? `status ${status}` : `signal ${signal}`));
  return promise;
}
