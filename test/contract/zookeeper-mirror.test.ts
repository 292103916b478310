import { afterAll, beforeEach, vi } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { zookeeperKind } from '../../lib/mirror/zookeeper/kind.ts';
import { describeMirror, type MirrorSubject } from '../support/mirror-contract.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { requireZooKeeper } from '../support/zookeeper.ts';
import { ZooKeeperServers } from '../support/zookeeper-server.ts';

// A machine with much else to do is slow.
vi.setConfig({ testTimeout: 30_000 });

const stack = new AsyncDisposableStack();
let one: ZooKeeperServers;
let three: ZooKeeperServers;

// The first hook skips aloud where there is no ZooKeeper.
beforeEach(requireZooKeeper);
beforeEach(async () => {
  if (one !== undefined) return;
  const start = async (count: number) => {
    const dir = stack.use(temporaryDirectory());
    const places = Array.from({ length: count }, () => ({ address: '127.0.0.1' }));
    return stack.use(await ZooKeeperServers.start({ places, dir: dir.path }));
  };
  [one, three] = await Promise.all([start(1), start(3)]);
}, 60_000);

afterAll(() => stack.disposeAsync());

/** Each registry is a base of its own. */
let registries = 0;

function createSubject(servers: ZooKeeperServers, layout: object): MirrorSubject {
  const base = `/registry/${++registries}`;
  const config = { servers: servers.endpoints, base, timeout: '2s', ttl: '5s', ...layout };
  return {
    machine: (node) =>
      zookeeperKind.open(zookeeperKind.parse(new Fields(config, '')), {
        name: 'zookeeper',
        node,
        session: 'held',
      }),
    // A majority is away.
    outage: async () => {
      const members = servers.members.slice(0, Math.ceil(servers.members.length / 2));
      await Promise.all(members.map((member) => member.kill()));
      return {
        [Symbol.asyncDispose]: async () => {
          await Promise.all(members.map((member) => member.start()));
          await Promise.all(members.map((member) => member.served()));
        },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describeMirror('zookeeper, in the layout of Curator', async () => createSubject(one, {}));

describeMirror('zookeeper, an ensemble of three, with the payload of Spring Cloud', async () =>
  createSubject(three, { payload: 'spring' }),
);

describeMirror('zookeeper, in the layout of registrator', async () =>
  createSubject(one, { format: 'registrator' }),
);
