import { execa } from 'execa';
import { inside, must } from './process.ts';
import { until } from './until.ts';

/** How long a BIRD of a test may live, in milliseconds. */
const longestLifeMs = 120_000;

/** Where a BIRD runs, and the files that it is told of. */
export type BirdPlace = { readonly netns: string; readonly configFile: string; readonly socket: string };

/** How it is started: recovering, it takes over what the run before has left in the kernel (`-R`). */
export type BirdStart = { readonly isRecovering: boolean };

/** A real bird in a host's namespace. Disposing kills it. */
export class BirdProcess implements AsyncDisposable {
  readonly #place: BirdPlace;
  #bird: ReturnType<typeof startInside> | undefined;

  constructor(place: BirdPlace) {
    this.#place = place;
  }

  /** Starts it with the configuration that is there; resolves when it answers. */
  async start({ isRecovering }: BirdStart = { isRecovering: false }): Promise<void> {
    const { netns, configFile, socket } = this.#place;
    const flags = ['-f', '-c', configFile, '-s', socket, '-P', `${socket}.pid`];
    this.#bird = startInside(netns, [...flags, ...(isRecovering ? ['-R'] : [])]);
    await until(() => this.birdc('show', 'status').then(Boolean, () => false), 'BIRD to answer');
  }

  /** Sends it a signal; resolves, where that ends it, when it has ended. */
  async signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.#bird?.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await this.#bird;
  }

  /** Ends it as its unit does: the neighbours keep its routes for a while. */
  async stopGracefully(): Promise<void> {
    await this.birdc('graceful', 'restart');
    await this.#bird;
  }

  birdc(...command: readonly string[]): Promise<string> {
    return must('birdc', ['-s', this.#place.socket, ...command]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.signal('SIGKILL');
  }
}

function startInside(netns: string, flags: readonly string[]) {
  const ends = { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL' } as const;
  return execa('nsenter', inside(netns, 'bird', ...flags), ends);
}
