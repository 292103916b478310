import { mkdirSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import type { CniCounts } from '../../lib/resident/status.ts';
import { recordsDirectory } from '../../lib/rules/records.ts';
import { requireResidentDir } from './binaries.ts';
import { run } from './process.ts';

/** What of an agent's host differs from the usual one. */
export type CallAgentOptions = {
  /** Whether links and rules are changed by netlink; otherwise by `ip` and `nft`. */
  readonly netlink: boolean;
  /** Lines of sh that mount something for the agent, and so for the calls. */
  readonly mounts: string;
};

/** What of a rig its agent needs. */
export type CallAgentPlace = { readonly host: string; readonly dir: string };

/** Which way calls went, as the agent has counted. */
export type CallCounts = {
  /** Those that its workers have carried out. */
  readonly served: number;
  /** The reasons for which calls were executed by their client, one for each. */
  readonly fallbacks: readonly string[];
};

/** How long an agent of a test may live, in milliseconds. */
const longestLifeMs = 900_000;

/** Each call has its own worker where few come at once. */
const workers = 2;

/**
 * An agent that serves CNI calls for a rig's host: in a mount namespace of its own, for the client knows one place only
 * where to look for it. Its registry is another than the rig's, and it repairs nothing: to the tests it is nothing but a
 * way for their calls.
 */
export class CallAgent implements AsyncDisposable {
  readonly #child: ReturnType<typeof startAgent>;
  readonly #api: string;
  #log = '';

  private constructor(place: CallAgentPlace, options: CallAgentOptions) {
    this.#api = `${place.dir}/serving/api.sock`;
    this.#child = startAgent(place, this.#api, options);
  }

  /** Resolves when calls are served. */
  static async start(place: CallAgentPlace, options: CallAgentOptions): Promise<CallAgent> {
    const agent = new CallAgent(place, options);
    await agent.#serving();
    return agent;
  }

  /** The agent's process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has logged. */
  get log(): string {
    return this.#log;
  }

  /** The processes that carry out the calls. */
  async workers(): Promise<readonly number[]> {
    const { stdout } = await run({ file: 'cat', args: [`/proc/${this.pid}/task/${this.pid}/children`] });
    return stdout.trim().split(' ').map(Number);
  }

  /** The arguments of `nsenter` that run a command line where the agent is. */
  entering(...commandLine: readonly string[]): readonly string[] {
    return [`--net=/proc/${this.pid}/ns/net`, `--mount=/proc/${this.pid}/ns/mnt`, ...commandLine];
  }

  async countCalls(): Promise<CallCounts> {
    const args = ['-s', '-m', '10', '--unix-socket', this.#api, 'http://agent/v1/cni'];
    const { calls, fallbacks } = JSON.parse((await run({ file: 'curl', args })).stdout) as CniCounts;
    const served = calls.filter(({ path }) => path === 'resident');
    return {
      served: served.reduce((sum, { count }) => sum + count, 0),
      fallbacks: fallbacks.flatMap(({ reason, count }) => Array<string>(count).fill(reason)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#child;
  }

  #serving(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.stderr.on('data', (chunk: Buffer) => {
        this.#log += chunk.toString();
        if (['serving CNI calls', 'API listens'].every((text) => this.#log.includes(text))) resolve();
      });
      this.#child.then(() => reject(new Error(`the agent for CNI calls has ended: ${this.#log}`)));
    });
  }
}

/** What has been noted for the host's kernel is where it is for everybody. */
const script = `
eval "$1"
mount --bind ${recordsDirectory} "$2/rules"
mount --rbind "$2" /run/fairlead
shift 2
exec "$@"`;

function startAgent({ host, dir }: CallAgentPlace, api: string, { netlink, mounts }: CallAgentOptions) {
  mkdirSync(recordsDirectory, { recursive: true, mode: 0o700 });
  mkdirSync(`${dir}/serving/run/rules`, { recursive: true });
  const config = `${dir}/serving/agent.json`;
  writeFileSync(
    config,
    JSON.stringify({
      store: `${dir}/serving/registry.db`,
      resultsDir: `${dir}/serving/results`,
      mirrors: false,
      rules: false,
      cni: { workers, netlink },
    }),
  );
  const agent = [
    `${requireResidentDir()}/fairlead`,
    'agent',
    '--config',
    config,
    '--dns',
    'none',
    '--api',
    `unix:${api}`,
  ];
  return execa(
    '/usr/sbin/ip',
    ['netns', 'exec', host, 'sh', '-ec', script, 'sh', mounts, `${dir}/serving/run`, ...agent],
    { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL' },
  );
}
