import { Fields } from '../../lib/cni/fields.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { parseNacosConfig } from '../../lib/mirror/nacos/config.ts';
import { nacosKind } from '../../lib/mirror/nacos/kind.ts';
import type { MirrorSubject } from './mirror-contract.ts';
import { type NacosOptions, NacosServer } from './nacos-server.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** An instance as Nacos's catalogue shows it to operators. */
export type NacosEntry = {
  readonly ip: string;
  readonly port: number;
  readonly enabled: boolean;
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
};

/** A real Nacos that is started when it is first asked for, and what tests do to it beside the mirror. */
export class NacosRig implements AsyncDisposable {
  readonly #options: Pick<NacosOptions, 'version' | 'auth'>;
  readonly #stack = new AsyncDisposableStack();
  #server: Promise<NacosServer> | undefined;
  #namespaces = 0;

  constructor(options: Pick<NacosOptions, 'version' | 'auth'>) {
    this.#options = options;
  }

  get api(): 'v1' | 'v3' {
    return this.#options.version === 2 ? 'v1' : 'v3';
  }

  server(): Promise<NacosServer> {
    this.#server ??= this.#start();
    return this.#server;
  }

  /** Of Nacos; each is a registry of its own. */
  newNamespace(): string {
    return `test-${++this.#namespaces}`;
  }

  /** An empty registry, as `describeMirror` wants it. */
  async subject(): Promise<MirrorSubject> {
    const server = await this.server();
    const namespaceId = this.newNamespace();
    return {
      machine: (node) => this.open(server, node, { namespaceId }),
      forge: async ({ name, address, metadata }) => {
        const place = { namespaceId, serviceName: name, ip: address, port: '80', ephemeral: 'true' };
        await this.register({ ...place, metadata: JSON.stringify(metadata) });
      },
      outage: async () => {
        server.stop();
        return { [Symbol.asyncDispose]: async () => server.cont() };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** @param said fields of the configuration */
  open(
    { endpoints }: Pick<NacosServer, 'endpoints'>,
    node: string,
    said: Readonly<Record<string, unknown>> = {},
  ): OutsideRegistry {
    const config = { endpoints, api: this.api, poll: '200ms', timeout: '1s', ...said };
    return nacosKind.open(parseNacosConfig(new Fields(config, '')), { name: 'nacos', node, session: 'held' });
  }

  /** What operators see of a service of the default group, from the server's cache. */
  async entries(namespaceId: string, serviceName: string): Promise<readonly NacosEntry[]> {
    const server = await this.server();
    const query = `namespaceId=${namespaceId}&pageNo=1&pageSize=100&withInstances=true`;
    const path = this.api === 'v1' ? '/v1/ns/catalog/services' : '/v3/admin/ns/service/list';
    const { body } = await server.call(`${path}?${query}&serviceNameParam=${serviceName}`);
    const services = this.api === 'v1' ? body : (body as V3Page).data.pageItems;
    return (services as readonly Service[]).flatMap(({ clusterMap }) =>
      Object.values(clusterMap).flatMap(({ hosts }) => hosts),
    );
  }

  /** Registers something as others do. */
  async register(form: Readonly<Record<string, string>>): Promise<number> {
    const path = this.api === 'v1' ? '/v1/ns/instance' : '/v3/client/ns/instance';
    return (await (await this.server()).call(path, { method: 'POST', form })).status;
  }

  /** Does what the console does when somebody edits an instance. */
  async edit(form: Readonly<Record<string, string>>): Promise<number> {
    const path = this.api === 'v1' ? '/v1/ns/instance' : '/v3/admin/ns/instance';
    return (await (await this.server()).call(path, { method: 'PUT', form })).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #start(): Promise<NacosServer> {
    const dir = this.#stack.use(temporaryDirectory()).path;
    const server = await NacosServer.start({ ...this.#options, place: { address: '127.0.0.1' }, dir });
    return this.#stack.use(server);
  }
}

type Service = {
  readonly clusterMap: Readonly<Record<string, { readonly hosts: readonly NacosEntry[] }>>;
};

type V3Page = { readonly data: { readonly pageItems: readonly Service[] } };
