/** One process to start. Never through a shell. */
export type Command = {
  /** A program's name, looked up in the runner's PATH, or an absolute path. */
  readonly file: string;
  readonly args: readonly string[];
  /** What the process is called, where that is not the file's name. */
  readonly argv0?: string;
  /** Handed to the process's stdin, which is empty otherwise. */
  readonly stdin?: string;
  /** The whole environment of the process; the runner's minimal one where absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** After this the process is killed; 30 s unless set. */
  readonly timeoutMs?: number;
};

/** How a process ended. A process that could not be started, or ended by a signal, is an outcome, not an exception. */
export type Outcome = {
  /** The exit status, or the signal that ended it, or undefined where it did not start. */
  readonly status: number | string | undefined;
  readonly stdout: string;
  /** What it printed there, or why it could not be started. */
  readonly stderr: string;
};

/** Runs a process to its end while the caller waits. */
export type RunSync = (command: Command) => Outcome;

/** Runs a process to its end beside others. */
export type Run = (command: Command) => Promise<Outcome>;

/** A process that nobody waits for. */
export type Detached = {
  readonly hasEnded: () => boolean;
  /** Its exit status; undefined before its end, after a signal, and where it has not started. */
  readonly status: () => number | undefined;
  /** Whether it has a socket open. */
  readonly hasSocket: () => boolean;
  /** Whether it has complained on stderr, as far as that can be told: it is taken for so where it cannot. */
  readonly hasComplained: () => boolean;
};

/** Starts a process without waiting for its end; its stdin is empty and its output is not kept. */
export type StartDetached = (command: Pick<Command, 'file' | 'args'>) => Detached;

export const defaultTimeoutMs = 30_000;

/** The environment of `ip`, `bridge` and `nft`: a PATH that surely has them, and messages in English. */
export function minimalEnvironment(path: string | undefined): Record<string, string> {
  const ours = '/usr/sbin:/usr/bin:/sbin:/bin';
  return { PATH: path === undefined || path === '' ? ours : `${path}:${ours}`, LC_ALL: 'C' };
}

/** The outcome of a process that could not be started; says what to do where the program is missing. */
export function notStarted(file: string, error: { code?: string | undefined; message: string }): Outcome {
  const reason = error.code === 'ENOENT' ? `${file} is not installed, or not in PATH` : error.message;
  return { status: undefined, stdout: '', stderr: reason };
}
