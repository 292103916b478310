import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Answer, type Call, type Outcome, type Request, requireSuccess, toolPath } from './call.ts';

/**
 * Between two calls. Our DEL leaves an `ip` behind that the kernel keeps waiting for 10 to 40 ms: whoever is measured
 * next must not wait with it.
 */
const restMs = 40;

/** The measuring process in a host's network namespace. Disposing ends it and what it has started. */
export class Host implements AsyncDisposable {
  /** The name of its namespace. */
  readonly name: string;
  readonly #worker: ChildProcess;
  readonly #ended = new AbortController();

  /** @param interruption ends it before its time */
  constructor(netnsPath: string, interruption: AbortSignal) {
    this.name = basename(netnsPath);
    const worker = [process.execPath, `${import.meta.dirname}/worker.ts`];
    // `ip netns exec` gives it the namespace's own sysfs, as a host has it. In a process group of its own: a Ctrl-C is
    // for the bench, which then ends it; and its plugins end with it.
    this.#worker = spawn('ip', ['netns', 'exec', basename(netnsPath), ...worker], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { PATH: toolPath },
      detached: true,
    });
    const end = () => this.#ended.abort();
    this.#worker.once('exit', end).once('error', end);
    interruption.addEventListener('abort', () => this.#kill(), { signal: this.#ended.signal });
  }

  /** One call, measured; it must succeed. */
  async call(call: Call): Promise<Outcome> {
    const { outcomes } = await this.#ask({ order: 'one by one', calls: [call] });
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error(`${this.name} has measured nothing of ${call.file}`);
    await setTimeout(restMs);
    return outcome;
  }

  /** Calls that are started together; all must succeed. */
  callAtOnce(calls: readonly Call[]): Promise<Answer> {
    return this.#ask({ order: 'all at once', calls });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const ended = once(this.#ended.signal, 'abort');
    this.#kill();
    await ended;
  }

  #kill(): void {
    const { pid, exitCode, signalCode } = this.#worker;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }

  async #ask(request: Request): Promise<Answer> {
    const answered = once(this.#worker, 'message', { signal: this.#ended.signal });
    if (this.#worker.connected) this.#worker.send(request);
    const [answer] = (await answered.catch((cause: unknown) => {
      throw new Error(`the measuring process of ${this.name} has ended before its time`, { cause });
    })) as [Answer];
    answer.outcomes.forEach(requireSuccess);
    return answer;
  }
}
