import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { inside, must } from './process.ts';

export type ServerCommand = {
  readonly file: string;
  readonly args: readonly string[];
  /** The network namespace that it runs in; the machine's own where undefined. */
  readonly netns: string | undefined;
};

/** How long a server of a test may live, in milliseconds. */
const longestLifeMs = 300_000;

/** How long a server may take until it serves, in milliseconds. */
const longestStartMs = 90_000;

/** The process of a real server, which a test starts, freezes, ends and starts again. */
export class ServerProcess {
  #child: ReturnType<typeof spawn> | undefined;
  #isStopped = false;
  #log = '';

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether it runs, and is not stopped. */
  get isRunning(): boolean {
    return this.#child !== undefined && !this.#isStopped;
  }

  /** What it has printed, in all its lives. */
  get log(): string {
    return this.#log;
  }

  async start(command: ServerCommand): Promise<void> {
    const { netns } = command;
    // A namespace reaches a server at its own address only where its loopback is up.
    if (netns !== undefined) await must('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
    const child = spawn(command);
    child.all.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    this.#child = child;
    void child.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
  }

  /** Resolves when it serves. @throws Error, with what it printed last, where it ends before or is too slow */
  async serving(what: string, isServing: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + longestStartMs;
    while (!(await isServing())) {
      const failure = this.#child === undefined ? 'ended' : 'does not serve after 90 s';
      if (this.#child === undefined || performance.now() > deadline)
        throw new Error(`${what} ${failure}: ${this.#log.slice(-2_000)}`);
      await sleep(50);
    }
  }

  /** Ends it as a loss of power would, but for the disk's cache. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#isStopped = false;
    child?.kill('SIGKILL');
    await child;
  }

  /** Freezes it: connections stay open, new ones are accepted by the kernel, and nothing is answered. */
  stop(): void {
    this.#child?.kill('SIGSTOP');
    this.#isStopped = true;
  }

  /** Lets it go on after `stop`. */
  cont(): void {
    this.#child?.kill('SIGCONT');
    this.#isStopped = false;
  }
}

function spawn({ file, args, netns }: ServerCommand) {
  // What it prints is kept once, above, not by execa as well.
  const options = {
    reject: false,
    all: true,
    buffer: false,
    timeout: longestLifeMs,
    killSignal: 'SIGKILL',
  } as const;
  return netns === undefined
    ? execa(file, args, options)
    : execa('nsenter', inside(netns, file, ...args), options);
}
