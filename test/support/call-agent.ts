import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import type { CniStatus } from '../../lib/resident/status.ts';
import { executablesDir } from './binaries.ts';
import type { CallPlace } from './call-place.ts';
import { usageOf, type WorkerUsage, workersOf } from './call-place-processes.ts';
import { must } from './process.ts';
import { until } from './until.ts';

/** What of an agent differs from the usual one. */
export type CallAgentOptions = {
  /** How calls are served. */
  readonly cni?: object;
  /** What else its configuration says. */
  readonly config?: object;
  /** Of two in one place, each has another. */
  readonly name?: string;
  /** Where its executable is. */
  readonly binDir?: string;
  /** What it has said when it has started: that it serves calls, unless it is not to. */
  readonly sign?: string;
};

/** The longest that an agent of a test may live, in milliseconds: longer than a soak. */
const longestLifeMs = 3_600_000;

/** How long one that is to end may take, in milliseconds, before it is killed. */
const patienceMs = 30_000;

/** A problem with the socket has the first words in its line, too. */
const usualSign = 'serving CNI calls socket=';

/** How much of its log is kept, in characters: a soak would fill it. */
const mostLog = 100_000;

/** What of a place an agent needs: a directory for its files, and how it is entered. */
export type AgentPlace = Pick<CallPlace, 'dir' | 'entering'>;

/** `fairlead agent` that serves CNI calls in a place; its registry is the place's own, unless configured. */
export class CallAgent implements AsyncDisposable {
  readonly place: AgentPlace;
  /** The file of its configuration. */
  readonly config: string;
  /** The socket of its API. */
  readonly api: string;
  readonly #child: ReturnType<typeof startIn>;
  #log = '';
  #hasEnded = false;

  private constructor(place: AgentPlace, { name = 'agent', ...options }: CallAgentOptions) {
    this.place = place;
    this.config = `${place.dir}/${name}.json`;
    this.api = `${place.dir}/${name}.sock`;
    writeFileSync(this.config, JSON.stringify(configOf(this, options)));
    this.#child = startIn(place, `${options.binDir ?? executablesDir}/fairlead`, this.config);
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#log = `${this.#log}${chunk}`.slice(-mostLog);
    });
    this.#child.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Resolves when it has given its sign, and its API answers. */
  static async start(place: AgentPlace, options: CallAgentOptions = {}): Promise<CallAgent> {
    await using stack = new AsyncDisposableStack();
    const agent = stack.use(new CallAgent(place, options));
    for (const text of ['serving store=', options.sign ?? usualSign]) await agent.logged(text);
    stack.move();
    return agent;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The end of what it has said. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when the log has this text, as often as asked for. */
  async logged(text: string, times = 1): Promise<void> {
    const isThere = () => this.#hasLogged(text, times);
    await until(isThere, `the agent's log to say "${text}"; it says:\n`, () => this.#log);
  }

  #hasLogged(text: string, times: number): boolean {
    if (this.#log.split(text).length > times) return true;
    if (!this.#hasEnded) return false;
    throw new Error(`the agent has ended, and not said "${text}"; it has said:\n${this.#log}`);
  }

  /** The processes that carry calls out. */
  get workers(): readonly number[] {
    return workersOf(this.pid);
  }

  /** What its workers use of the machine. */
  usage(): readonly WorkerUsage[] {
    return usageOf(this.workers);
  }

  /** What it says of calls. */
  async status(): Promise<CniStatus> {
    return JSON.parse(await this.get('/v1/cni')) as CniStatus;
  }

  /** What its API answers. */
  get(path: string): Promise<string> {
    return must('curl', ['-s', '-m', '10', '--unix-socket', this.api, `http://agent${path}`]);
  }

  /** Ends it. @returns its exit status, or the signal */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | undefined> {
    this.#child.kill(signal);
    const { exitCode, signal: died } = await this.#child;
    return exitCode ?? died;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }
}

function configOf({ place: { dir }, api }: CallAgent, { cni, config }: CallAgentOptions): object {
  return {
    store: `${dir}/registry.db`,
    resultsDir: `${dir}/results`,
    dns: { listen: ['none'] },
    api: { listen: [`unix:${api}`] },
    mirrors: false,
    cni: { workers: 2, ...cni },
    ...config,
  };
}

function startIn(place: AgentPlace, executable: string, config: string) {
  return execa('nsenter', place.entering(executable, 'agent', '--config', config), {
    reject: false,
    buffer: false,
    stdin: 'ignore',
    stdout: 'ignore',
    timeout: longestLifeMs,
    forceKillAfterDelay: patienceMs,
  });
}
