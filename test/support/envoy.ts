import { existsSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { adminPort, listenerPort, renderEnvoyConfig, type Subscription } from './envoy-config.ts';
import { mustInside, tryInside } from './process.ts';
import { ServerProcess } from './server-process.ts';
import { skipUnless } from './skip.ts';
import { toolPath } from './tool-path.ts';

/** The release that scripts/test fetches. */
export const envoyPath = toolPath('envoy', '1.40.0');

/** Skips a test where there is no Envoy. */
export function requireEnvoy(context: TestContext): void {
  skipUnless(context, existsSync(envoyPath), `there is no envoy at ${envoyPath}; ENVOY may name one`);
}

export type EnvoyOptions = Subscription & {
  /** The network namespace that it runs in. */
  readonly netns: string;
  /** An absolute path: where its configuration is written. */
  readonly dir: string;
};

/** An endpoint as Envoy's own API shows it. */
type EnvoyHost = {
  readonly address: { readonly socket_address: { readonly address: string; readonly port_value: number } };
  readonly weight: number;
  readonly locality?: Readonly<Record<string, string>>;
};

/** How many of some requests were answered with each text. */
export type Answers = ReadonlyMap<string, number>;

/** One real Envoy. What it is told and does not know is an error. */
export class Envoy implements AsyncDisposable {
  readonly #netns: string;
  readonly #process = new ServerProcess();

  private constructor({ netns }: EnvoyOptions) {
    this.#netns = netns;
  }

  /** Resolves when it takes requests. */
  static async start(options: EnvoyOptions): Promise<Envoy> {
    const envoy = new Envoy(options);
    const file = `${options.dir}/envoy.json`;
    writeFileSync(file, renderEnvoyConfig(options));
    try {
      await envoy.#process.start({
        file: envoyPath,
        args: [
          ...['--config-path', file, '--concurrency', '1', '--disable-hot-restart'],
          ...['--log-level', 'warning', '--reject-unknown-dynamic-fields'],
        ],
        netns: options.netns,
      });
      await envoy.#process.serving('Envoy', async () => (await envoy.#get('/ready')) === 'LIVE\n');
    } catch (error) {
      await envoy[Symbol.asyncDispose]();
      throw error;
    }
    return envoy;
  }

  get log(): string {
    return this.#process.log;
  }

  /** The endpoints that it knows, by address and port, with their weights and localities. */
  async endpoints(): Promise<Readonly<Record<string, Pick<EnvoyHost, 'weight' | 'locality'>>>> {
    const { cluster_statuses } = JSON.parse(await this.#get('/clusters?format=json')) as {
      readonly cluster_statuses: readonly { name: string; host_statuses?: readonly EnvoyHost[] }[];
    };
    const hosts = cluster_statuses.find(({ name }) => name === 'backends')?.host_statuses ?? [];
    return Object.fromEntries(
      hosts.map(({ address: { socket_address }, weight, locality = {} }) => [
        `${socket_address.address}:${socket_address.port_value}`,
        { weight, ...(Object.keys(locality).length === 0 ? {} : { locality }) },
      ]),
    );
  }

  /** One of its counters for the cluster of the backends. */
  async count(counter: string): Promise<number> {
    const name = `cluster.backends.${counter}`;
    const found = await this.#get(`/stats?format=json&filter=${encodeURIComponent(`^${name}$`)}`);
    const { stats } = JSON.parse(found) as { readonly stats: readonly { name: string; value: number }[] };
    return stats.find((stat) => stat.name === name)?.value ?? 0;
  }

  /** Sends requests through it, one after the other. @returns the answers' bodies, each with how often it came */
  async request(times: number): Promise<Answers> {
    const url = `http://127.0.0.1:${listenerPort}/[1-${times}]`;
    const bodies = await mustInside(this.#netns, 'curl', '-s', '-m', '20', url);
    const answers = Map.groupBy(bodies.trim().split('\n'), (body) => body);
    return new Map([...answers].map(([body, same]) => [body, same.length]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
  }

  async #get(path: string): Promise<string> {
    const url = `http://127.0.0.1:${adminPort}${path}`;
    return (await tryInside(this.#netns, 'curl', '-s', '-g', '-m', '5', url)).stdout;
  }
}
