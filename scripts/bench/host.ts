import { rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { type Answer, type Call, type Outcome, type Request, requireSuccess } from './call.ts';
import { Helper } from './helper.ts';
import type { Questions, Resolution } from './question.ts';

/**
 * Between two calls. Our DEL leaves an `ip` behind that the kernel keeps waiting for 10 to 40 ms: whoever is measured
 * next must not wait with it.
 */
const restMs = 40;

/** The measuring process in a host's network namespace. Disposing ends it and what it has started. */
export class Host implements AsyncDisposable {
  /** The name of its namespace. */
  readonly name: string;
  readonly #worker: Helper<Request, Answer>;
  readonly #rulesPath: string;

  /** @param interruption ends it before its time */
  constructor(netnsPath: string, interruption: AbortSignal) {
    this.name = basename(netnsPath);
    this.#rulesPath = `${recordsDirectory}/${statSync(netnsPath).ino}`;
    this.#worker = new Helper({ netns: this.name, script: 'worker.ts', interruption });
  }

  get pid(): number {
    return this.#worker.pid;
  }

  /** The measuring process, once it has come into its namespaces: until then they are still the bench's own. */
  async settledPid(): Promise<number> {
    await this.resolve({ port: 0, names: [] });
    return this.pid;
  }

  /** One call, measured; it must succeed. */
  async call(call: Call): Promise<Outcome> {
    const { outcome } = await this.callAndAsk(call, { port: 0, names: [] });
    await setTimeout(restMs);
    return outcome;
  }

  /** Calls that are started together; all must succeed. */
  callAtOnce(calls: readonly Call[]): Promise<Answer> {
    return this.#ask({ order: 'all at once', calls });
  }

  /** One call, and what names lead to at the moment when it has returned. */
  async callAndAsk(
    call: Call,
    questions: Questions,
  ): Promise<{ readonly outcome: Outcome; readonly resolutions: readonly Resolution[] }> {
    const { outcomes, resolutions } = await this.#ask({ order: 'one by one', calls: [call], questions });
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error(`${this.name} has measured nothing of ${call.file}`);
    return { outcome, resolutions };
  }

  /** What names lead to now. */
  async resolve(questions: Questions): Promise<readonly Resolution[]> {
    return (await this.#ask({ order: 'one by one', calls: [], questions })).resolutions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
    // Another namespace may get the inode.
    rmSync(this.#rulesPath, { recursive: true, force: true });
  }

  async #ask(request: Request): Promise<Answer> {
    const answer = await this.#worker.ask(request);
    answer.outcomes.forEach(requireSuccess);
    return answer;
  }
}
