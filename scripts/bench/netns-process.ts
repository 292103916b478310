import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { toolPath } from './call.ts';

/** By its name, or by a process in it, whose mounts are then seen, too. */
export type Place = { readonly netns: string } | { readonly beside: number };

/** What runs, and where. */
export type NetnsProcessOptions = {
  readonly place: Place;
  readonly argv: readonly string[];
  readonly stdio: StdioOptions;
  /** Ends it before its time. */
  readonly interruption: AbortSignal;
};

/** A process in a network namespace, until it is disposed of together with whatever it has started. */
export class NetnsProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #ended = new AbortController();

  constructor({ place, argv, stdio, interruption }: NetnsProcessOptions) {
    const [file, ...args] = [...entering(place), ...argv];
    // In a process group of its own: a Ctrl-C is for the bench, which then ends it; and what it has started ends with it.
    this.child = spawn(file, args, {
      stdio,
      env: { PATH: toolPath },
      detached: true,
    });
    const end = () => this.#ended.abort();
    this.child.once('exit', end).once('error', end);
    interruption.addEventListener('abort', () => this.#kill(), { signal: this.ended });
  }

  /** Aborted when the process has ended, whatever has ended it. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended.aborted) return;
    const ended = once(this.ended, 'abort');
    this.#kill();
    await ended;
  }

  #kill(): void {
    const { pid, exitCode, signalCode } = this.child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }
}

/** `ip netns exec` gives a process the namespace's own sysfs, as a host has it. */
function entering(place: Place): readonly [string, ...string[]] {
  if ('netns' in place) return ['ip', 'netns', 'exec', place.netns];
  return ['nsenter', '--target', String(place.beside), '--net', '--mount'];
}
