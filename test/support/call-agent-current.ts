import { executablesDir } from './binaries.ts';
import { CallAgent } from './call-agent.ts';
import type { ResidentHost } from './resident-host.ts';

/** The agents of a host that come and go while callers go on, one at a time. */
export class CurrentAgent implements AsyncDisposable {
  readonly #host: ResidentHost;
  readonly #binDir: string;
  #agent: CallAgent | undefined;

  /** @param binDir where their executable is at the time when each is started */
  constructor(host: ResidentHost, binDir = executablesDir) {
    this.#host = host;
    this.#binDir = binDir;
  }

  /** Starts one, which ends with this, and not with the host: nothing is to be kept of so many. */
  async start(cni: object = { workers: 4 }): Promise<CallAgent> {
    const { place, rig } = this.#host;
    this.#agent = await CallAgent.start(place, { cni, config: { store: rig.store }, binDir: this.#binDir });
    return this.#agent;
  }

  /** The processes that carry calls out; none where there is no agent. */
  get workers(): readonly number[] {
    return this.#agent?.workers ?? [];
  }

  /** @returns its exit status, or the signal; undefined where there is none */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string | undefined> {
    const agent = this.#agent;
    this.#agent = undefined;
    return agent?.end(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
