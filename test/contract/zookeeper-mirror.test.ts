import { afterAll, beforeEach, vi } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { parseZooKeeperConfig } from '../../lib/mirror/zookeeper/config.ts';
import { zookeeperKind } from '../../lib/mirror/zookeeper/kind.ts';
import { ZooKeeperClient } from '../../lib/zookeeper/client.ts';
import { openAcl } from '../../lib/zookeeper/operation.ts';
import { describeMirror, type Forged, type MirrorSubject } from '../support/mirror-contract.ts';
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

/** What somebody else writes in a layout: the name of the child, and its data. */
type ForgeEntry = (forged: Forged) => readonly [child: string, data: object];

const curatorEntry = { address: '', port: 80, sslPort: null, payload: null, serviceType: 'DYNAMIC' };
const forgeCurator: ForgeEntry = ({ name, address, metadata }) => [
  'forged',
  { ...curatorEntry, name, id: 'forged', address, fairlead: metadata },
];
const forgeSpring: ForgeEntry = ({ name, address, metadata }) => [
  'forged',
  { ...curatorEntry, name, id: 'forged', address, payload: { metadata } },
];
const forgeRegistrator: ForgeEntry = ({ name, address, metadata }) => [
  `${address}:80`,
  { Name: name, IP: address, PublicPort: 80, PrivatePort: 80, Tags: [], Attrs: metadata },
];

/** As somebody else's client writes it. */
async function write(servers: ZooKeeperServers, path: string, data: object): Promise<void> {
  const config = parseZooKeeperConfig(new Fields({ servers: servers.endpoints }, ''));
  await using client = new ZooKeeperClient({
    ...config,
    ...{ credentials: async () => undefined, sessionTimeoutMs: config.ttlMs },
  });
  const labels = path.split('/').slice(1);
  for (const [at] of labels.entries()) {
    const parent = `/${labels.slice(0, at).join('/')}`;
    if (at > 0) await client.create({ ...plain, path: parent }).catch(() => undefined);
  }
  await client.create({ ...plain, path, data: Buffer.from(JSON.stringify(data)) });
}

const plain = { data: Buffer.alloc(0), mode: 'persistent', acl: openAcl } as const;

function createSubject(servers: ZooKeeperServers, layout: object, forge: ForgeEntry): MirrorSubject {
  const base = `/registry/${++registries}`;
  const config = { servers: servers.endpoints, base, timeout: '2s', ttl: '5s', ...layout };
  return {
    machine: (node) =>
      zookeeperKind.open(zookeeperKind.parse(new Fields(config, '')), {
        name: 'zookeeper',
        node,
        session: 'held',
      }),
    forge: async (forged) => {
      const [child, data] = forge(forged);
      await write(servers, `${base}/${forged.name}/${child}`, data);
    },
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

describeMirror('zookeeper, in the layout of Curator', async () => createSubject(one, {}, forgeCurator));

describeMirror('zookeeper, an ensemble of three, with the payload of Spring Cloud', async () =>
  createSubject(three, { payload: 'spring' }, forgeSpring),
);

describeMirror('zookeeper, in the layout of registrator', async () =>
  createSubject(one, { format: 'registrator' }, forgeRegistrator),
);
