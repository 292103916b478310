import { setTimeout as sleep } from 'node:timers/promises';
import { Fields } from '../../lib/cni/fields.ts';
import { parseEtcdMirrorConfig } from '../../lib/mirror/etcd/config.ts';
import { etcdKind } from '../../lib/mirror/etcd/kind.ts';
import { EtcdServers } from '../support/etcd.ts';
import { Link } from '../support/link.ts';
import { describeFaults } from '../support/mirror-faults.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const rootPassword = 'very secret';

describeFaults('etcd', async () => {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(temporaryDirectory());
  const server = stack.use(
    await EtcdServers.start({ places: [{ address: '127.0.0.1' }], dir: dir.path, auth: { rootPassword } }),
  );
  const link = stack.use(await Link.to(server.endpoints[0] ?? ''));
  const etcdctl = (...args: string[]) => server.etcdctl(...args).then(String, String);
  return {
    server,
    link,
    machine: (node) => {
      const user = { name: 'root', password: rootPassword };
      const config = { endpoints: [link.url], user, ttl: '4s', timeout: '500ms', skydns: {} };
      return etcdKind.open(parseEtcdMirrorConfig(new Fields(config, '')), {
        ...{ name: `etcd-${node}`, node, session: 'held' },
      });
    },
    faults: {
      'tokens of no use': async (ms) => {
        // Whatever changes the rights of anybody makes every token invalid.
        for (const time of [1, 2, 3]) await etcdctl('user', 'add', `other-${Date.now()}-${time}:secret`);
        await sleep(ms / 2);
      },
      'leases revoked': async () => {
        const ids = (await etcdctl('lease', 'list')).split('\n').filter((line) => /^[0-9a-f]+$/.test(line));
        for (const id of ids) await etcdctl('lease', 'revoke', id);
      },
      'keys deleted': async () => {
        await etcdctl('del', '--prefix', '/fairlead/registry/instances/1111111111111111/');
      },
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
});
