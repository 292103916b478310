import { rmSync, writeFileSync } from 'node:fs';
import type { Certificates } from './certificates.ts';
import { corednsPath } from './coredns.ts';
import { curl } from './curl.ts';
import type { DnsPlace } from './dig.ts';
import { freePorts } from './free-ports.ts';
import type { RegistryServer, ServerPlace } from './registry-server.ts';
import { ServerProcess } from './server-process.ts';
import { serverUrl } from './server-url.ts';

export type CorednsOptions = {
  /** Without `netns` it listens on free ports of the machine's loopback. */
  readonly place: ServerPlace;
  /** An absolute path: where its configuration is written. */
  readonly dir: string;
  /** What it answers for, such as `cluster.example` or `2.0.192.in-addr.arpa`. */
  readonly zones: readonly string[];
  /** Where the records are: in the layout of SkyDNS, below `/skydns` unless `path` is set. */
  readonly etcd: {
    readonly endpoints: readonly string[];
    readonly path?: string;
    readonly tls?: Certificates;
    readonly user?: { readonly name: string; readonly password: string };
  };
};

type Ports = { readonly dns: number; readonly ready: number };

/** One real CoreDNS, which answers from what etcd stores and stores nothing itself. */
export class CorednsServer implements RegistryServer {
  readonly #options: CorednsOptions;
  readonly #ports: Ports;
  readonly #process = new ServerProcess();

  private constructor(options: CorednsOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Resolves when it answers; whether etcd does is another matter. */
  static async start(options: CorednsOptions): Promise<CorednsServer> {
    const server = new CorednsServer(options, await findPorts(options.place));
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get dns(): DnsPlace {
    return { ...this.#options.place, port: this.#ports.dns };
  }

  get endpoints(): readonly string[] {
    return [serverUrl(this.#options.place.address, this.#ports.dns)];
  }

  get log(): string {
    return this.#process.log;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  async restart(): Promise<void> {
    const { netns } = this.#options.place;
    await this.kill();
    writeFileSync(this.#corefile, renderCorefile(this.#options, this.#ports));
    await this.#process.start({ file: corednsPath, args: ['-conf', this.#corefile], netns });
    await this.#process.serving('coredns', () => this.#isServing());
  }

  wipe(): Promise<void> {
    return this.restart();
  }

  stop(): void {
    this.#process.stop();
  }

  cont(): void {
    this.#process.cont();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#corefile, { force: true });
  }

  get #corefile(): string {
    return `${this.#options.dir}/Corefile-${this.#ports.dns}`;
  }

  async #isServing(): Promise<boolean> {
    const { netns, address } = this.#options.place;
    const url = `${serverUrl(address, this.#ports.ready, 'http')}/ready`;
    return (await curl({ url, netns })).status === 200;
  }
}

function renderCorefile({ place, zones, etcd }: CorednsOptions, ports: Ports): string {
  const { endpoints, path = '/skydns', tls, user } = etcd;
  const lines = [
    `${zones.map((zone) => `${zone}:${ports.dns}`).join(' ')} {`,
    `  bind ${place.address}`,
    `  ready ${serverUrl(place.address, ports.ready)}`,
    '  errors',
    '  etcd {',
    `    path ${path}`,
    `    endpoint ${endpoints.join(' ')}`,
    ...(tls === undefined ? [] : [`    tls ${tls.cert} ${tls.key} ${tls.ca}`]),
    ...(user === undefined ? [] : [`    credentials ${user.name} ${user.password}`]),
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** CoreDNS's own ports in a namespace of its own, free ones on the machine's loopback. */
async function findPorts({ netns }: ServerPlace): Promise<Ports> {
  if (netns !== undefined) return { dns: 53, ready: 8181 };
  const [dns = 0, ready = 0] = await freePorts(2);
  return { dns, ready };
}
