import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { parseEtcdMirrorConfig } from '../../lib/mirror/etcd/config.ts';
import { etcdKind } from '../../lib/mirror/etcd/kind.ts';
import { zookeeperKind } from '../../lib/mirror/zookeeper/kind.ts';
import { requireConsul } from '../support/consul.ts';
import { openConsul } from '../support/consul-mirror.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { EtcdServers } from '../support/etcd.ts';
import { startHostileServer } from '../support/hostile-server.ts';
import { describeKeeping, type KeepingSubject, startKeeping } from '../support/keeping-alive.ts';
import { registerNumbered, temporaryStore } from '../support/registrations.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { requireZooKeeper } from '../support/zookeeper.ts';
import { ZooKeeperServers } from '../support/zookeeper-server.ts';

const place = { address: '127.0.0.1' };
const ttlMs = 4_000;
const timeoutMs = 500;
const written = { ttl: '4s', timeout: '500ms' };
/** The next heartbeat, and the time that it waits for an answer. */
const withinMs = ttlMs / 3 + timeoutMs + 1_000;
const options = { name: 'frozen', node: '1111111111111111', session: 'held' } as const;

type Server = KeepingSubject['server'];

async function createSubject(
  start: (dir: string) => Promise<Server>,
  open: (server: Server) => KeepingSubject['mirror'],
): Promise<KeepingSubject> {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(temporaryDirectory());
  const server = stack.use(await start(path));
  const mirror = stack.use(open(server));
  return { withinMs, server, mirror, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('consul', () => {
  beforeEach(requireConsul);

  describeKeeping('consul', () =>
    createSubject(
      (dir) => ConsulServer.start({ place, dir, store: 'memory' }),
      ({ endpoints }) => openConsul({ endpoints, ...written }, options),
    ),
  );
});

test('a Consul that never knows the host that was just registered is told of, and not asked without an end', async () => {
  await using server = await startHostileServer({
    kind: 'answers',
    of: (request) =>
      request.startsWith('PUT /v1/agent/check/pass/')
        ? { status: 404, text: 'Unknown check "service:fairlead-agent"' }
        : { status: 200, text: '{}' },
  });
  await using mirror = openConsul({ endpoints: [server.endpoint], ttl: '3s' });
  using temporary = temporaryStore();
  registerNumbered(temporary.store, 1);

  await using delivery = startKeeping(temporary.store, mirror);
  await sleep(3_000);

  expect(delivery.lastError).toMatch(
    /consul at .*check\/pass.*HTTP 404.*just registered, and not known \(is the endpoint one Consul agent/,
  );
  expect(server.asked()).toBeLessThan(60);
});

describeKeeping('etcd', () =>
  createSubject(
    (dir) => EtcdServers.start({ places: [place], dir }),
    ({ endpoints }) =>
      etcdKind.open(parseEtcdMirrorConfig(new Fields({ endpoints, ...written }, '')), options),
  ),
);

describe('zookeeper', () => {
  beforeEach(requireZooKeeper);

  describeKeeping('zookeeper', async () => {
    const subject = await createSubject(
      (dir) => ZooKeeperServers.start({ places: [place], dir }),
      ({ endpoints }) =>
        zookeeperKind.open(zookeeperKind.parse(new Fields({ servers: endpoints, ...written }, '')), options),
    );
    // A connection is given up when it was silent for two thirds of the session's time; then another is tried and waited for.
    return { ...subject, withinMs: (ttlMs * 2) / 3 + 2 * timeoutMs + 1_000 };
  });
});
