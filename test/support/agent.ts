import { execa } from 'execa';
import { binDir } from './binaries.ts';
import { childrenOf, endListeners } from './call-place-processes.ts';
import { inside, run } from './process.ts';
import type { Rig } from './rig.ts';
import { until } from './until.ts';

/** How long an agent of a test may live, in milliseconds. */
const longestLifeMs = 120_000;

/** Where the tests' agent answers, in the rig's host namespace. */
export const dnsPort = 5300;

/** `fairlead agent` in the rig's host namespace, over the rig's registry. */
export class Agent implements AsyncDisposable {
  readonly #child: ReturnType<typeof startInside>;
  readonly #rig: Rig;
  readonly socket: string;
  #log = '';

  private constructor(rig: Rig, flags: readonly string[]) {
    this.#rig = rig;
    this.socket = `${rig.dir}/api.sock`;
    const args = [
      '--store',
      rig.store,
      '--dns',
      `127.0.0.1:${dnsPort}`,
      'gateways',
      '--api',
      `unix:${this.socket}`,
    ];
    this.#child = startInside(rig.host, `${binDir}/fairlead`, 'agent', ...args, ...flags);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
  }

  /** Resolves when the agent serves. */
  static async start(rig: Rig, ...flags: readonly string[]): Promise<Agent> {
    await run({ file: 'ip', args: ['-n', rig.host, 'link', 'set', 'lo', 'up'] });
    const agent = new Agent(rig, flags);
    await agent.logged('serving');
    return agent;
  }

  get log(): string {
    return this.#log;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the log has this text, as often as asked for. */
  async logged(text: string, times = 1): Promise<void> {
    await until(
      () => this.#log.split(text).length > times,
      `the agent's log to say "${text}"; it says:\n`,
      () => this.#log,
    );
  }

  /** The data of the answer's records, by the real `dig`. */
  async dig(name: string, type = 'A', ...options: readonly string[]): Promise<readonly string[]> {
    const target = [`@127.0.0.1`, '-p', String(dnsPort), name, type];
    const { stdout } = await run({
      file: 'nsenter',
      args: inside(this.#rig.host, 'dig', '+short', '+time=2', '+tries=1', ...target, ...options),
    });
    return stdout
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(';'))
      .sort();
  }

  /** The rcode of an answer. */
  async rcode(name: string, type = 'A'): Promise<string | undefined> {
    const args = inside(
      this.#rig.host,
      'dig',
      '+time=2',
      '+tries=1',
      '@127.0.0.1',
      '-p',
      String(dnsPort),
      name,
      type,
    );
    return /status: (\w+)/.exec((await run({ file: 'nsenter', args })).stdout)?.[1];
  }

  /** By the real `curl`: status and body. */
  async curl(path: string, ...options: readonly string[]): Promise<{ status: number; body: unknown }> {
    const outcome = await run({
      file: 'curl',
      args: [
        '-s',
        '-m',
        '10',
        '-w',
        '\n%{http_code}',
        '--unix-socket',
        this.socket,
        `http://agent${path}`,
        ...options,
      ],
    });
    const lines = outcome.stdout.split('\n');
    const text = lines.slice(0, -1).join('\n');
    return { status: Number(lines.at(-1)), body: parse(text) };
  }

  /** Ends the agent, and waits until it has. @returns its exit status, or the signal */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | string | undefined> {
    const listeners = signal === 'SIGKILL' ? childrenOf(this.pid) : [];
    process.kill(this.pid, signal);
    const { exitCode, signal: died } = await this.#child;
    endListeners(listeners);
    return exitCode ?? died;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its monitors end with it, as they do not with a killed one.
    this.#child.kill('SIGTERM');
    await this.#child;
  }
}

/** A process in a namespace that runs until it is killed, or too long. */
function startInside(netns: string, ...commandLine: readonly string[]) {
  return execa('nsenter', inside(netns, ...commandLine), {
    reject: false,
    timeout: longestLifeMs,
    killSignal: 'SIGKILL',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
