import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { ifExists } from '../../lib/errors/system-error.ts';
import { workerCommand } from '../../lib/resident/places.ts';
import type { CniStatus } from '../../lib/resident/status.ts';
import { until } from './agent.ts';
import { binDir } from './binaries.ts';
import { type Background, must, run, startBeside } from './process.ts';
import { type Answer, type Conf, Rig, toEnvironment, type Verb } from './rig.ts';

/** How long an agent of a test may live, in milliseconds. */
const longestLifeMs = 120_000;

/**
 * A rig's host with a /run/fairlead of its own, in a mount namespace that agent and callers share, and a client by the name of
 * bridge. Containers are made before: later mounts do not arrive there.
 */
export class ResidentHost implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #holder: Background;
  readonly rig: Rig;
  readonly containers: readonly string[];

  private constructor(rig: Rig, containers: readonly string[], holder: Background) {
    this.rig = rig;
    this.containers = containers;
    this.#holder = holder;
    this.#stack.use(rig);
    this.#stack.use(holder);
  }

  static async create(containers = 1): Promise<ResidentHost> {
    const rig = await Rig.create();
    const names = await rig.containers(containers);
    for (const name of ['run', 'bin']) mkdirSync(`${rig.dir}/${name}`, { mode: 0o755 });
    copyFileSync(`${binDir}/fairlead-client`, `${rig.dir}/bin/bridge`);
    symlinkSync(`${binDir}/fairlead`, `${rig.dir}/bin/fairlead`);
    const script = `ip link set lo up; mount -t sysfs sysfs /sys; mkdir -p /run/fairlead
      mount --bind ${rig.dir}/run /run/fairlead; echo ready; exec sleep 120`;
    const unshare = ['unshare', '--mount', 'sh', '-ec', script];
    const holder = await startBeside('nsenter', [`--net=/run/netns/${rig.host}`, ...unshare]);
    return new ResidentHost(rig, names, holder);
  }

  /** Where this host's /run/fairlead is seen from outside. */
  get runDir(): string {
    return `${this.rig.dir}/run`;
  }

  /** Command words in this host's namespaces. */
  entering(...words: readonly string[]): readonly string[] {
    return ['-t', `${this.#holder.pid}`, '--net', '--mount', ...words];
  }

  /** A call through the client. */
  async cni(verb: Verb, conf: Conf, container: string): Promise<Answer> {
    const stdin = JSON.stringify({ registry: { store: this.rig.store }, ...conf });
    const env = toEnvironment(verb, container, {});
    const args = this.entering(`${this.rig.dir}/bin/bridge`);
    const outcome = await run({ file: 'nsenter', args, stdin, env, timeoutMs: 40_000 });
    return outcome;
  }

  /** An agent that serves calls; it ends with the host at the latest. Of two, each has another name. */
  async startAgent(cni: object = { workers: 2 }, name = 'agent'): Promise<ResidentAgent> {
    const config = `${this.rig.dir}/${name}.json`;
    const api = `unix:${this.apiOf(name)}`;
    const json = {
      store: this.rig.store,
      dns: { listen: ['none'] },
      api: { listen: [api] },
      mirrors: false,
      cni,
    };
    writeFileSync(config, JSON.stringify(json));
    const agent = this.#stack.use(new ResidentAgent(this, config));
    await agent.logged('serving store=');
    return agent;
  }

  /** The socket of an agent's API. */
  apiOf(name = 'agent'): string {
    return `${this.rig.dir}/${name}.sock`;
  }

  /** What an agent says of calls. */
  async status(name = 'agent'): Promise<CniStatus> {
    const args = ['cni', '--json', '--api', `unix:${this.apiOf(name)}`];
    return JSON.parse(await must(`${binDir}/fairlead`, args)) as CniStatus;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** `fairlead agent` in a host's namespaces. */
export class ResidentAgent implements AsyncDisposable {
  readonly #child;
  #log = '';

  constructor(host: ResidentHost, config: string) {
    const args = host.entering(`${binDir}/fairlead`, 'agent', '--config', config);
    this.#child = execa('nsenter', args, { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL' });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get log(): string {
    return this.#log;
  }

  /** Resolves when the log has this text, as often as asked for. */
  async logged(text: string, times = 1): Promise<void> {
    const isThere = () => this.#log.split(text).length > times;
    await until(isThere, `the agent's log to say "${text}"; it says:\n`, () => this.#log);
  }

  /** The processes that carry calls out. */
  get workers(): readonly number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return children.split(' ').map(Number).filter(isWorker);
  }

  /** Ends the agent. @returns its exit status, or the signal */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | undefined> {
    process.kill(this.pid, signal);
    const { exitCode, signal: died } = await this.#child;
    return exitCode ?? died;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#child;
  }
}

/** Whether a process lives and is a worker. */
export function isWorker(pid: number): boolean {
  const words = ifExists(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  return words?.split('\0').includes(workerCommand) === true;
}

/** What is in a directory, but for files that a rename is about to move. */
export function namesIn(dir: string): readonly string[] {
  return readdirSync(dir).filter((name) => !name.startsWith('.'));
}
