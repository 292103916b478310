import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Certificates } from './certificates.ts';
import { consulPath } from './consul.ts';
import { type CurlAnswer, type CurlRequest, curl } from './curl.ts';
import type { DnsPlace } from './dig.ts';
import { freePorts } from './free-ports.ts';
import type { RegistryServer, ServerPlace } from './registry-server.ts';
import { ServerProcess } from './server-process.ts';
import { serverUrl } from './server-url.ts';

export type ConsulOptions = {
  /** Without `netns` it listens on free ports of the machine's loopback. */
  readonly place: ServerPlace;
  /** An absolute path: where it keeps its data and its configuration. */
  readonly dir: string;
  /** Its name in the catalogue; `consul-1` unless set. */
  readonly node?: string;
  /** In memory it serves after 0.3 s instead of 2, and forgets everything at its end; on disk unless set. */
  readonly store?: 'disk' | 'memory';
  /** HTTPS alone, for clients with a certificate of the authority. */
  readonly tls?: Certificates;
  /** What no token allows is denied; this one, a UUID, may do everything. */
  readonly acl?: { readonly managementToken: string };
};

type Ports = { readonly api: number; readonly dns: number; readonly server: number; readonly serf: number };

/** One real Consul agent that is its cluster's only server. */
export class ConsulServer implements RegistryServer {
  readonly #options: ConsulOptions;
  readonly #ports: Ports;
  readonly #process = new ServerProcess();

  private constructor(options: ConsulOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Resolves when it leads its cluster of one, knows itself and answers. */
  static async start(options: ConsulOptions): Promise<ConsulServer> {
    const server = new ConsulServer(options, await findPorts(options.place));
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get endpoints(): readonly string[] {
    const { place, tls } = this.#options;
    return [serverUrl(place.address, this.#ports.api, tls === undefined ? 'http' : 'https')];
  }

  /** Where it answers DNS for `consul.`, over UDP and TCP. */
  get dns(): DnsPlace {
    return { ...this.#options.place, port: this.#ports.dns };
  }

  get node(): string {
    return this.#options.node ?? 'consul-1';
  }

  get log(): string {
    return this.#process.log;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Asks its API by `curl`, with the management token where there are ACLs. @param path - from `/v1/` on */
  call(path: string, request: Pick<CurlRequest, 'method' | 'headers' | 'body'> = {}): Promise<CurlAnswer> {
    const { acl, tls, place } = this.#options;
    const token = acl === undefined ? {} : { 'X-Consul-Token': acl.managementToken };
    const headers = { ...token, ...request.headers };
    return curl({ ...request, headers, tls, netns: place.netns, url: `${this.endpoints[0]}${path}` });
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  async restart(): Promise<void> {
    await this.kill();
    mkdirSync(this.#dataDir, { recursive: true });
    writeFileSync(this.#configFile, JSON.stringify(this.#config()));
    await this.#process.start({
      file: consulPath,
      args: [
        'agent',
        ...(this.#options.store === 'memory' ? ['-dev'] : []),
        '-config-file',
        this.#configFile,
      ],
      netns: this.#options.place.netns,
    });
    await this.#process.serving('consul', () => this.#isServing());
  }

  async wipe(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.restart();
  }

  stop(): void {
    this.#process.stop();
  }

  cont(): void {
    this.#process.cont();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  get #dataDir(): string {
    return `${this.#options.dir}/${this.node}`;
  }

  get #configFile(): string {
    return `${this.#dataDir}.json`;
  }

  /** Without a leader the catalogue is an error; the leader writes itself into it after it has made the tokens. */
  async #isServing(): Promise<boolean> {
    const { status, body } = await this.call('/v1/catalog/nodes');
    return status === 200 && Array.isArray(body) && body.length > 0;
  }

  #config() {
    const { place, store, acl, tls } = this.#options;
    const { api, dns, server, serf } = this.#ports;
    const [http, https] = tls === undefined ? [api, -1] : [-1, api];
    return {
      server: true,
      node_name: this.node,
      // Even in memory it would keep the agent's own services there.
      ...(store === 'memory' ? {} : { bootstrap_expect: 1, data_dir: this.#dataDir }),
      bind_addr: place.address,
      client_addr: place.address,
      ports: { http, https, dns, server, serf_lan: serf, serf_wan: -1, grpc: -1 },
      performance: { raft_multiplier: 1 },
      disable_update_check: true,
      log_level: 'info',
      ...(acl === undefined ? {} : { acl: planAcl(acl.managementToken) }),
      ...(tls === undefined
        ? {}
        : { ca_file: tls.ca, cert_file: tls.cert, key_file: tls.key, verify_incoming: true }),
    };
  }
}

function planAcl(token: string) {
  // `agent`: with what it writes itself into its catalogue.
  return { enabled: true, default_policy: 'deny', tokens: { master: token, agent: token } };
}

/** Consul's own ports in a namespace of its own, free ones on the machine's loopback. */
async function findPorts({ netns }: ServerPlace): Promise<Ports> {
  if (netns !== undefined) return { api: 8500, dns: 8600, server: 8300, serf: 8301 };
  const [api = 0, dns = 0, server = 0, serf = 0] = await freePorts(4);
  return { api, dns, server, serf };
}
