import { Fields } from '../../lib/cni/fields.ts';
import { kinds } from '../../lib/mirror/kinds.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { ConsulServer } from './consul-server.ts';
import { EtcdServers } from './etcd.ts';
import { EurekaServer } from './eureka-server.ts';
import { NacosServer } from './nacos-server.ts';
import type { RegistryServer } from './registry-server.ts';
import { ZooKeeperServers } from './zookeeper-server.ts';

/** A real server of each kind of outside registry, and how this project is configured for it. */
export type RunningRegistry = {
  /** Also of the mirror. */
  readonly kind: string;
  readonly server: RegistryServer;
  /** The mirror's own fields. */
  readonly fields: Readonly<Record<string, unknown>>;
};

const place = { address: '127.0.0.1' };

/** As long as Consul, etcd and ZooKeeper would allow it shorter, Eureka and Nacos would not. */
export const ttlSeconds = 6;

/** All five, on the machine's loopback; they keep their data below `dir`. */
export async function startRegistries(
  dir: string,
): Promise<AsyncDisposable & { readonly all: readonly RunningRegistry[] }> {
  const stack = new AsyncDisposableStack();
  const starting = [
    ConsulServer.start({ place, dir: `${dir}/consul`, store: 'memory' }).then((server) =>
      registry('consul', server, { endpoints: server.endpoints }),
    ),
    EtcdServers.start({ places: [place], dir: `${dir}/etcd` }).then((server) =>
      registry('etcd', server, { endpoints: server.endpoints, skydns: {} }),
    ),
    ZooKeeperServers.start({ places: [place], dir: `${dir}/zookeeper` }).then((server) =>
      registry('zookeeper', server, { servers: server.endpoints }),
    ),
    EurekaServer.start({ flavour: { by: 'netflix' }, place, dir: `${dir}/eureka` }).then((server) =>
      registry('eureka', server, { endpoints: server.endpoints, path: '/eureka/v2' }),
    ),
    NacosServer.start({ version: 3, place, dir: `${dir}/nacos` }).then((server) =>
      registry('nacos', server, { endpoints: server.endpoints }),
    ),
  ];
  const started = await Promise.allSettled(starting);
  for (const each of started) if (each.status === 'fulfilled') stack.use(each.value.server);
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined)
    return {
      all: started.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  await stack.disposeAsync();
  throw failed.reason;
}

function registry(kind: string, server: RegistryServer, fields: RunningRegistry['fields']): RunningRegistry {
  return { kind, server, fields: { ...fields, ttl: `${ttlSeconds}s` } };
}

/** As it stands in the file of mirrors. */
export function toMirror({ kind, fields }: RunningRegistry): object {
  return { name: kind, type: kind, ...fields };
}

/** The registry as another machine reads it. */
export function openAsReader({ kind, fields }: RunningRegistry): OutsideRegistry {
  const found = kinds.get(kind);
  if (found === undefined) throw new Error(`no such kind: ${kind}`);
  const config = found.parse(new Fields({ ...fields, ...(kind === 'eureka' ? { poll: '100ms' } : {}) }, ''));
  return found.open(config, { name: kind, node: 'ffffffffffffffff', session: 'held' });
}
