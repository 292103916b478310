import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import type { MirrorStatus } from '../../lib/mirror/status.ts';
import { binDir } from './binaries.ts';
import { childrenOf, endListeners } from './call-place-processes.ts';
import { run } from './process.ts';
import type { Rig } from './rig.ts';
import { until } from './until.ts';

/** How long an agent of a test may live, in milliseconds. */
const longestLifeMs = 300_000;

/**
 * `fairlead agent` over the rig's registry, in the machine's own namespace, where the outside registries are on loopback.
 * It answers no DNS.
 */
export class MirrorAgent implements AsyncDisposable {
  readonly socket: string;
  readonly #child: ReturnType<typeof start>;
  #log = '';

  private constructor(config: string, socket: string) {
    this.socket = socket;
    this.#child = start(config);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
  }

  /** Resolves when the agent serves. @param mirrors - as the file of mirrors has them */
  static async start(rig: Rig, mirrors: readonly object[], zone?: string): Promise<MirrorAgent> {
    const [config, socket, file] = [
      `${rig.dir}/agent.json`,
      `${rig.dir}/api.sock`,
      `${rig.dir}/mirrors.json`,
    ];
    writeFileSync(file, JSON.stringify({ mirrors }), { mode: 0o600 });
    const settings = {
      ...{ store: rig.store, mirrors: file, resultsDir: `${rig.dir}/results` },
      ...{ dns: { listen: ['none'] }, api: { listen: [`unix:${socket}`] } },
      ...(zone === undefined ? {} : { zone }),
    };
    writeFileSync(config, JSON.stringify(settings));
    const agent = new MirrorAgent(config, socket);
    await until(
      () => agent.#log.includes('serving'),
      'the agent to serve; it says:\n',
      () => agent.#log,
    );
    return agent;
  }

  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** `GET /v1/mirrors`. */
  async mirrors(): Promise<readonly MirrorStatus[]> {
    return JSON.parse(await this.get('/v1/mirrors'));
  }

  /** Resolves when every mirror has all that the store has. */
  async delivered(): Promise<void> {
    let last: readonly MirrorStatus[] = [];
    await until(
      async () => {
        last = await this.mirrors();
        return last.length > 0 && last.every(({ state }) => state === 'delivered');
      },
      'all mirrors to be delivered to: ',
      () => `${JSON.stringify(last)}\n${this.#log}`,
    );
  }

  /** The body of an answer of its API. */
  async get(path: string): Promise<string> {
    const { stdout } = await run({
      file: 'curl',
      args: ['-s', '-m', '10', '--unix-socket', this.socket, `http://agent${path}`],
    });
    return stdout;
  }

  /** Ends the agent, and waits until it has. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const listeners = signal === 'SIGKILL' ? childrenOf(this.#child.pid ?? 0) : [];
    this.#child.kill(signal);
    await this.#child;
    endListeners(listeners);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }
}

function start(config: string) {
  return execa(`${binDir}/fairlead`, ['agent', '--config', config], {
    reject: false,
    timeout: longestLifeMs,
    killSignal: 'SIGKILL',
  });
}
