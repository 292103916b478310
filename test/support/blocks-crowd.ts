import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { EtcdConfig } from '../../lib/etcd/config.ts';
import type { BlocksAgentTask } from './blocks-agent.ts';
import { BlocksContainers } from './blocks-containers.ts';
import type { BlocksPlace } from './blocks-holder.ts';
import type { Random } from './random.ts';

/** How long an agent of a test may live, in milliseconds. */
const longestLifeMs = 900_000;

/** A host whose agent is a process of its own; its plugins are this process. */
export class CrowdHost implements AsyncDisposable {
  readonly place: BlocksPlace;
  readonly containers: BlocksContainers;
  readonly #etcd: EtcdConfig;
  #agent: ReturnType<typeof startAgent> | undefined;
  #log = '';

  constructor(place: BlocksPlace, etcd: EtcdConfig) {
    mkdirSync(place.dir, { recursive: true });
    this.place = place;
    this.containers = new BlocksContainers(place);
    this.#etcd = etcd;
  }

  /** What its agents have said. */
  get log(): string {
    return this.#log;
  }

  /** Nothing where it runs. */
  startAgent(): void {
    if (this.#agent !== undefined) return;
    const agent = startAgent({ place: this.place, etcd: this.#etcd });
    agent.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    this.#agent = agent;
  }

  /** At whatever it is doing. */
  async killAgent(): Promise<void> {
    this.#agent?.kill('SIGKILL');
    await this.#agent;
    this.#agent = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killAgent();
  }
}

function startAgent(task: BlocksAgentTask) {
  const args = [`${import.meta.dirname}/blocks-agent.ts`, JSON.stringify(task)];
  const options = { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL', stdout: 'ignore' } as const;
  return execa(process.execPath, args, options);
}

/**
 * What containers have, of all hosts: an address is a container's from the end of its ADD to the begin of its DEL, or to
 * its death.
 */
export class Crowd {
  readonly #holders = new Map<string, string>();
  readonly #live = new Map<string, { readonly host: CrowdHost; readonly addresses: readonly string[] }>();
  #next = 1;
  /** How many ADDs, DELs and deaths there were; and ADDs that found no address. */
  readonly counts = { done: 0, refused: 0 };

  get live(): readonly string[] {
    return [...this.#live.keys()];
  }

  /** What a host's containers have. */
  addressesOf(host: CrowdHost): readonly string[] {
    return [...this.#live.values()]
      .filter((each) => each.host === host)
      .flatMap(({ addresses }) => addresses);
  }

  /** A whole ADD that takes its time between the lease and its end, as a kernel does. @throws where an address is another's */
  async add(host: CrowdHost, takesMs: number): Promise<void> {
    const container = `c${this.#next++}`;
    this.counts.done++;
    try {
      const addresses = host.containers.lease(container);
      await sleep(takesMs);
      host.containers.confirm(container, addresses);
      this.#note(container, { host, addresses });
    } catch (error) {
      if (!isTryAgain(error)) throw error;
      host.containers.die(container);
      this.counts.refused++;
    }
  }

  del(container: string): void {
    this.#forget(container)?.containers.del(container);
  }

  /** One container less, by a DEL or, now and then, without. */
  end(random: Random): void {
    const container = random.pick(this.live);
    if (random.below(10) === 0) this.die(container);
    else this.del(container);
  }

  /** The container ends without a DEL. */
  die(container: string): void {
    this.#forget(container)?.containers.die(container);
  }

  #note(container: string, { host, addresses }: { host: CrowdHost; addresses: readonly string[] }): void {
    for (const text of addresses) {
      const holder = this.#holders.get(text);
      const who = `${container} of host ${host.place.number}`;
      if (holder !== undefined) throw new Error(`${text} was given to ${who}, and ${holder} has it`);
      this.#holders.set(text, who);
    }
    this.#live.set(container, { host, addresses });
  }

  #forget(container: string): CrowdHost | undefined {
    const known = this.#live.get(container);
    this.counts.done++;
    this.#live.delete(container);
    for (const text of known?.addresses ?? []) this.#holders.delete(text);
    return known?.host;
  }
}

function isTryAgain(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 11;
}
