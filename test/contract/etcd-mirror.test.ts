import { afterAll, beforeAll } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import { createEtcdMirror } from '../../lib/registry/etcd-mirror.ts';
import { EtcdServers } from '../support/etcd.ts';
import { describeMirror, type MirrorSubject } from '../support/mirror-contract.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const stack = new AsyncDisposableStack();
let servers: EtcdServers;

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  servers = stack.use(await EtcdServers.start({ places: [{ address: '127.0.0.1' }], dir: dir.path }));
});

afterAll(() => stack.disposeAsync());

/** Each registry is a prefix of its own in one server. */
let registries = 0;

describeMirror('etcd', async (): Promise<MirrorSubject> => {
  const prefix = `/registry-${++registries}`;
  const etcd = connectEtcd({
    endpoints: [servers.endpoints[0] ?? ''],
    tls: undefined,
    user: undefined,
    timeoutMs: 2_000,
  });
  return {
    machine: (node) => createEtcdMirror({ etcd, prefix, node, ttlSeconds: 30, name: `etcd-${node}` }),
    outage: async () => {
      await servers.members[0]?.kill();
      return { [Symbol.asyncDispose]: async () => servers.members[0]?.restart() };
    },
    [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
  };
});
