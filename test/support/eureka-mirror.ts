import { setTimeout as sleep } from 'node:timers/promises';
import { Fields } from '../../lib/cni/fields.ts';
import { parseEurekaConfig } from '../../lib/mirror/eureka/config.ts';
import { eurekaKind } from '../../lib/mirror/eureka/kind.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { type EurekaFlavour, EurekaServer } from './eureka-server.ts';
import type { MirrorSubject } from './mirror-contract.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A real Eureka that is started when it is first asked for, and what tests do to it beside the mirror. */
export class EurekaRig implements AsyncDisposable {
  readonly #flavour: EurekaFlavour;
  readonly #cacheMs: number;
  readonly #stack = new AsyncDisposableStack();
  #server: Promise<EurekaServer> | undefined;

  constructor(flavour: EurekaFlavour, { cacheMs = 100 } = {}) {
    this.#flavour = flavour;
    this.#cacheMs = cacheMs;
  }

  server(): Promise<EurekaServer> {
    this.#server ??= this.#start();
    return this.#server;
  }

  /** An empty registry, as `describeMirror` wants it. */
  async subject(): Promise<MirrorSubject> {
    const server = await this.server();
    await this.clear();
    return {
      // Nobody renews what the contract puts.
      machine: (node) => openEureka(server, node, { ttl: '10m' }),
      forge: async ({ name, address, metadata }) => {
        await this.register({ app: name, instanceId: 'forged', ipAddr: address, metadata });
      },
      outage: async () => {
        await server.kill();
        return { [Symbol.asyncDispose]: () => server.restart() };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** Takes all entries away, whosever they are, also those that no list tells of yet; waits until the lists say so. */
  async clear(): Promise<void> {
    for (let isEmpty = false; !isEmpty; ) {
      await sleep(this.#cacheMs * 4);
      const { instances } = await this.list();
      isEmpty = instances.length === 0;
      await Promise.all(instances.map(({ app, instanceId }) => this.ask('DELETE', app, instanceId)));
    }
  }

  /** Every entry, as old as the server's cache. */
  async list(): Promise<{ readonly instances: readonly EurekaEntry[] }> {
    const answer = await this.#fetch('GET', '/apps');
    const { applications } = (await answer.json()) as {
      readonly applications: { readonly application: readonly { readonly instance: EurekaEntry[] }[] };
    };
    return { instances: applications.application.flatMap(({ instance }) => instance) };
  }

  /** One entry as it is now; undefined where there is none. */
  async find(app: string, instanceId: string): Promise<EurekaEntry | undefined> {
    const answer = await this.ask('GET', app, instanceId);
    if (answer.status === 404) return undefined;
    return ((await answer.json()) as { readonly instance: EurekaEntry }).instance;
  }

  /** A call on one entry. @param rest what comes behind its path, such as `/status?value=DOWN` */
  ask(method: string, app: string, instanceId: string, rest = ''): Promise<Response> {
    return this.#fetch(method, `/apps/${app}/${encodeURIComponent(instanceId)}${rest}`);
  }

  /** An entry of others. */
  register(entry: Partial<EurekaEntry> & Pick<EurekaEntry, 'app' | 'instanceId'>): Promise<Response> {
    const instance = {
      ...{ hostName: 'host.example', ipAddr: '192.0.2.7', vipAddress: entry.app, status: 'UP' },
      port: { $: 8080, '@enabled': 'true' },
      dataCenterInfo: {
        '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
        name: 'MyOwn',
      },
      ...entry,
    };
    return this.#fetch('POST', `/apps/${entry.app}`, JSON.stringify({ instance }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #start(): Promise<EurekaServer> {
    const dir = this.#stack.use(temporaryDirectory());
    const options = { flavour: this.#flavour, place: { address: '127.0.0.1' }, dir: dir.path };
    return this.#stack.use(await EurekaServer.start({ ...options, cacheMs: this.#cacheMs }));
  }

  async #fetch(method: string, path: string, body?: string): Promise<Response> {
    const server = await this.server();
    return fetch(`${server.endpoints[0]}${server.basePath}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body }),
    });
  }
}

/** What the tests read of an entry. */
export type EurekaEntry = {
  readonly app: string;
  readonly instanceId: string;
  readonly status: string;
  readonly ipAddr: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/** A mirror of a machine at a server, with what a test says of its configuration. */
export function openEureka(
  server: Pick<EurekaServer, 'endpoints' | 'basePath'>,
  node: string,
  said: Readonly<Record<string, unknown>> = {},
): OutsideRegistry {
  const config = {
    endpoints: server.endpoints,
    path: server.basePath,
    poll: '200ms',
    timeout: '2s',
    ...said,
  };
  return eurekaKind.open(parseEurekaConfig(new Fields(config, '')), {
    ...{ name: 'eureka', node, session: 'held' },
  });
}
