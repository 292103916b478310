import { mkdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Certificates } from './certificates.ts';
import { curl } from './curl.ts';
import { freePorts } from './free-ports.ts';
import { eurekaPath, javaArguments, toSystemProperties } from './java-servers.ts';
import type { RegistryServer, ServerPlace } from './registry-server.ts';
import { ServerProcess } from './server-process.ts';
import { serverUrl } from './server-url.ts';

export type EurekaOptions = {
  /** Netflix's own, whose paths begin with `/eureka/v2`, or Spring's, whose paths begin with `/eureka`. */
  readonly flavour: EurekaFlavour;
  /** Without `netns` it listens on a free port of the machine's loopback. */
  readonly place: ServerPlace;
  /** An absolute path: where its temporary files are. */
  readonly dir: string;
  /** How old what `GET /apps` answers may be, in milliseconds; 200 unless set, 30,000 by default of Eureka. */
  readonly cacheMs?: number;
};

/** Only Spring's can be asked to be reached by HTTPS, or by one user alone. */
export type EurekaFlavour =
  | { readonly by: 'netflix' }
  | {
      readonly by: 'spring';
      readonly tls?: Certificates;
      readonly user?: { readonly name: string; readonly password: string };
    };

/** One real Eureka without peers. It stores nothing, and evicts each second, as many as there are. */
export class EurekaServer implements RegistryServer {
  readonly #options: EurekaOptions;
  readonly #port: number;
  readonly #process = new ServerProcess();

  private constructor(options: EurekaOptions, port: number) {
    this.#options = options;
    this.#port = port;
  }

  /** Resolves when it answers. */
  static async start(options: EurekaOptions): Promise<EurekaServer> {
    const server = new EurekaServer(options, await findPort(options.place));
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get endpoints(): readonly string[] {
    return [serverUrl(this.#options.place.address, this.#port, this.#tls === undefined ? 'http' : 'https')];
  }

  /** What comes before `/apps` in the paths of its API. */
  get basePath(): string {
    return this.#options.flavour.by === 'netflix' ? '/eureka/v2' : '/eureka';
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
    await this[Symbol.asyncDispose]();
    mkdirSync(this.#directory, { recursive: true });
    const { place } = this.#options;
    await this.#process.start({ file: 'java', args: this.#arguments(), netns: place.netns });
    await this.#process.serving('eureka', () => this.#isServing());
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
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #directory(): string {
    return `${this.#options.dir}/eureka-${this.#port}`;
  }

  get #tls(): Certificates | undefined {
    const { flavour } = this.#options;
    return flavour.by === 'spring' ? flavour.tls : undefined;
  }

  async #isServing(): Promise<boolean> {
    const { place, flavour } = this.#options;
    const headers = flavour.by === 'spring' ? toAuthorization(flavour.user) : {};
    const url = `${this.endpoints[0]}${this.basePath}/apps`;
    return (await curl({ url, headers, tls: this.#tls, netns: place.netns })).status === 200;
  }

  #arguments(): readonly string[] {
    const { flavour, place, cacheMs = 200 } = this.#options;
    const service = `${this.endpoints[0]}${this.basePath}/`;
    const options = {
      ...{ place, port: this.#port, directory: this.#directory },
      ...{ service, cacheMs: String(cacheMs) },
    };
    return flavour.by === 'netflix' ? planNetflix(options) : planSpring(flavour, options);
  }
}

type Plan = {
  readonly place: ServerPlace;
  readonly port: number;
  readonly directory: string;
  readonly service: string;
  readonly cacheMs: string;
};

/** The war as it is published, in a Jetty; its settings are properties of Java. */
function planNetflix({ place, port, directory, service, cacheMs }: Plan): readonly string[] {
  const settings = {
    // Of any other data centre than Amazon's it asks nobody who it is.
    'eureka.datacenter': 'default',
    'eureka.registration.enabled': 'false',
    'eureka.shouldFetchRegistry': 'false',
    // By that name it knows itself; otherwise it would replicate to itself, half a second late.
    'eureka.serviceUrl.default': service.replace(place.address, hostname()),
    'eureka.numberRegistrySyncRetries': '0',
    'eureka.waitTimeInMsWhenSyncEmpty': '0',
    'eureka.enableSelfPreservation': 'false',
    // Else one eviction takes no more than 15 % of all entries.
    'eureka.renewalPercentThreshold': '0',
    'eureka.evictionIntervalTimerInMs': '1000',
    'eureka.responseCacheUpdateIntervalMs': cacheMs,
  };
  return [
    ...javaArguments(512, { ...toSystemProperties(place, directory), ...settings }),
    // What it makes XML with looks into them.
    ...['java.util', 'java.lang'].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
    ...['-jar', `${eurekaPath}/netflix/lib/jetty-runner-9.4.54.v20240208.jar`],
    ...['--host', place.address, '--port', String(port)],
    ...['--path', '/eureka', `${eurekaPath}/netflix/lib/eureka-server-1.10.1.war`],
  ];
}

function planSpring(
  { tls, user }: Extract<EurekaFlavour, { by: 'spring' }>,
  { place, port, directory, service, cacheMs }: Plan,
): readonly string[] {
  const settings = {
    'server.address': place.address,
    'server.port': port,
    'eureka.datacenter': 'default',
    'eureka.instance.hostname': place.address,
    'eureka.client.register-with-eureka': false,
    'eureka.client.fetch-registry': false,
    'eureka.client.service-url.defaultZone': service,
    'eureka.server.wait-time-in-ms-when-sync-empty': 0,
    'eureka.server.enable-self-preservation': false,
    'eureka.server.renewal-percent-threshold': 0,
    'eureka.server.eviction-interval-timer-in-ms': 1_000,
    'eureka.server.response-cache-update-interval-ms': cacheMs,
    'logging.level.root': 'WARN',
    ...(tls === undefined ? {} : toServerSsl(tls)),
    ...(user === undefined
      ? {}
      : { 'spring.security.user.name': user.name, 'spring.security.user.password': user.password }),
  };
  return [
    ...javaArguments(512, toSystemProperties(place, directory)),
    ...['-cp', `${eurekaPath}/spring:${eurekaPath}/spring/lib/*`, 'EurekaServer'],
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
}

function toServerSsl({ ca, cert, key }: Certificates) {
  return {
    'server.ssl.certificate': cert,
    'server.ssl.certificate-private-key': key,
    'server.ssl.trust-certificate': ca,
    'server.ssl.client-auth': 'need',
  };
}

function toAuthorization(user: { readonly name: string; readonly password: string } | undefined) {
  if (user === undefined) return {};
  return { Authorization: `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}` };
}

/** Eureka's usual port in a namespace of its own, a free one on the machine's loopback. */
async function findPort({ netns }: ServerPlace): Promise<number> {
  if (netns !== undefined) return 8761;
  const [port = 0] = await freePorts(1);
  return port;
}
