import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execa } from 'execa';
import { until } from './agent.ts';
import { executablesDir } from './binaries.ts';
import { isWorker } from './resident-host.ts';
import { Rig } from './rig.ts';

/** What of an agent differs from the usual one. */
export type SoakAgentSettings = { readonly workers?: number; readonly queue?: number };

/**
 * A host whose agents come and go while callers go on. It has a /run/fairlead of its own, in a mount namespace that agents and
 * callers share, and the client by the name of bridge. Containers are made before: later mounts do not arrive there.
 */
export class SoakHost implements AsyncDisposable {
  readonly rig: Rig;
  readonly containers: readonly string[];
  readonly #stack = new AsyncDisposableStack();
  readonly #holder: Holder;
  #agent: SoakAgent | undefined;
  #agents = 0;

  private constructor(rig: Rig, containers: readonly string[], holder: Holder) {
    this.rig = rig;
    this.containers = containers;
    this.#holder = holder;
    this.#stack.use(rig);
    this.#stack.defer(() => holder.end());
    this.#stack.defer(async () => {
      await this.endAgent('SIGKILL');
    });
  }

  static async create(containers: number): Promise<SoakHost> {
    const rig = await Rig.create();
    const names = await rig.containers(containers);
    for (const name of ['run', 'bin']) mkdirSync(`${rig.dir}/${name}`, { mode: 0o755 });
    copyFileSync(`${executablesDir}/fairlead-client`, `${rig.dir}/bin/bridge`);
    symlinkSync(`${executablesDir}/fairlead`, `${rig.dir}/bin/fairlead`);
    return new SoakHost(rig, names, await holdNamespaces(rig));
  }

  get runDir(): string {
    return `${this.rig.dir}/run`;
  }

  /** Command words in this host's namespaces. */
  entering(...words: readonly string[]): readonly string[] {
    return ['--target', `${this.#holder.pid}`, '--net', '--mount', ...words];
  }

  /** Starts an agent in place of the one before. @returns when it serves calls */
  async startAgent(settings: SoakAgentSettings = {}): Promise<SoakAgent> {
    const { dir, store } = this.rig;
    const config = {
      store,
      dns: { listen: ['none'] },
      api: { listen: ['none'] },
      mirrors: false,
      resultsDir: `${dir}/results`,
      cni: { workers: 4, ...settings },
    };
    const path = `${dir}/agent-${++this.#agents}.json`;
    writeFileSync(path, JSON.stringify(config));
    this.#agent = new SoakAgent(this, path);
    await this.#agent.serves();
    return this.#agent;
  }

  get agent(): SoakAgent {
    if (this.#agent === undefined) throw new Error('no agent was started');
    return this.#agent;
  }

  /** The exit status or the signal; undefined where there is none. */
  async endAgent(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | undefined> {
    const agent = this.#agent;
    this.#agent = undefined;
    return agent?.end(signal);
  }

  /** The command lines of all processes in the host's network namespace but the one that holds it. */
  processes(): readonly string[] {
    const own = statSync(`/run/netns/${this.rig.host}`).ino;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== this.#holder.pid)
      .filter((pid) => orUndefined(() => statSync(`/proc/${pid}/ns/net`).ino) === own)
      .map((pid) => orUndefined(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '')
      .map((words) => words.replaceAll('\0', ' ').trim());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** What a worker uses of the machine. */
export type WorkerUsage = { readonly pid: number; readonly residentKb: number; readonly descriptors: number };

/** `fairlead agent` on such a host. */
export class SoakAgent {
  readonly #child;
  #log = '';

  constructor(host: SoakHost, config: string) {
    const args = host.entering(`${executablesDir}/fairlead`, 'agent', '--config', config);
    this.#child = execa('nsenter', args, { reject: false, buffer: false, stdin: 'ignore' });
    this.#child.stderr.on('data', (chunk: Buffer) => {
      // A soak would fill it.
      this.#log = `${this.#log}${chunk}`.slice(-100_000);
    });
  }

  async serves(): Promise<void> {
    const isServing = () => this.#log.includes('serving CNI calls');
    await until(isServing, 'the agent to serve; it says:\n', () => this.#log);
  }

  /** The end of what it has said. */
  get log(): string {
    return this.#log;
  }

  /** The processes that carry calls out. */
  get workers(): readonly number[] {
    const { pid = 0 } = this.#child;
    const children = orUndefined(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) ?? '';
    return children.split(' ').map(Number).filter(isWorker);
  }

  usage(): readonly WorkerUsage[] {
    return this.workers.flatMap((pid) => {
      const status = orUndefined(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
      const residentKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN);
      const descriptors = orUndefined(() => readdirSync(`/proc/${pid}/fd`))?.length;
      return descriptors === undefined || Number.isNaN(residentKb) ? [] : [{ pid, residentKb, descriptors }];
    });
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | undefined> {
    this.#child.kill(signal);
    const { exitCode, signal: died } = await this.#child;
    return exitCode ?? died;
  }
}

/** Of a process that may end meanwhile, or be none that we may look at. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Ends with its stdin: with us, whatever happens. */
async function holdNamespaces({ host, dir }: Rig) {
  const script = `ip link set lo up; mount -t sysfs sysfs /sys; mkdir -p /run/fairlead
    mount --bind ${dir}/run /run/fairlead; echo ready; read _ || true`;
  const args = [`--net=/run/netns/${host}`, 'unshare', '--mount', 'sh', '-ec', script];
  const child = execa('nsenter', args, { reject: false });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.then(({ stderr }) => reject(new Error(`the host's namespaces were not made: ${stderr}`)));
  });
  const end = async () => {
    child.stdin.end();
    await child;
  };
  return { pid: child.pid ?? 0, end };
}

type Holder = Awaited<ReturnType<typeof holdNamespaces>>;
