import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { zookeeperKind } from '../../lib/mirror/zookeeper/kind.ts';
import { Link } from '../support/link.ts';
import { describeFaults } from '../support/mirror-faults.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { requireZooKeeper } from '../support/zookeeper.ts';
import { ZooKeeperServers } from '../support/zookeeper-server.ts';

const ttlMs = 2_000;

beforeEach(requireZooKeeper);

describeFaults('zookeeper', async () => {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(temporaryDirectory());
  const places = [{ address: '127.0.0.1' }];
  const server = stack.use(await ZooKeeperServers.start({ places, dir: dir.path }));
  const link = stack.use(await Link.to(`http://${server.endpoints[0]}`));
  return {
    server,
    link,
    machine: (node) => {
      const config = { servers: [new URL(link.url).host], ttl: `${ttlMs / 1_000}s`, timeout: '500ms' };
      return zookeeperKind.open(zookeeperKind.parse(new Fields(config, '')), {
        ...{ name: `zookeeper-${node}`, node, session: 'held' },
      });
    },
    faults: {
      'session expired': async () => {
        link.cut();
        await sleep(ttlMs * 1.5);
        link.heal();
      },
      'nodes deleted': async () => {
        await server.cli('deleteall', '/services/web').catch(() => undefined);
      },
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});
