import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { connectEtcd } from '../../lib/etcd/client.ts';
import { parseEtcdMirrorConfig } from '../../lib/mirror/etcd/config.ts';
import { etcdKind } from '../../lib/mirror/etcd/kind.ts';
import { EtcdServers } from '../support/etcd.ts';
import { describeMirror, type MirrorSubject } from '../support/mirror-contract.ts';
import { containerOwner, instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const stack = new AsyncDisposableStack();
const noEnd = new AbortController().signal;
let servers: EtcdServers;

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  const places = [1, 2, 3].map(() => ({ address: '127.0.0.1' }));
  servers = stack.use(await EtcdServers.start({ places, dir: dir.path }));
});

afterAll(() => stack.disposeAsync());

/** Each registry is a prefix of its own in one cluster. */
let registries = 0;

function createSubject(skydns?: (at: number) => object): MirrorSubject {
  const at = ++registries;
  return {
    machine: (node) => {
      const config = {
        ...{ endpoints: servers.endpoints, prefix: `/registry-${at}`, timeout: '2s' },
        ...(skydns === undefined ? {} : { skydns: skydns(at) }),
      };
      const parsed = parseEtcdMirrorConfig(new Fields(config, ''));
      return etcdKind.open(parsed, { name: `etcd-${node}`, node, session: 'held' });
    },
    outage: async () => {
      const [first, second] = servers.members;
      await Promise.all([first?.kill(), second?.kill()]);
      return {
        [Symbol.asyncDispose]: async () => {
          await first?.start();
          await second?.restart();
        },
      };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describeMirror('etcd, a cluster of three', async () => createSubject());

describeMirror('etcd, with what CoreDNS reads beside it', async () =>
  createSubject((at) => ({ prefix: `/skydns-${at}`, zone: 'example.test' })),
);

describe('what CoreDNS reads', () => {
  const skydns = { prefix: '/sky', zone: 'example.test' };

  test('goes and comes with the health of its instance; its own name and its reverse name stay', async () => {
    await using subject = createSubject(() => skydns);
    await using mirror = subject.machine('n1');
    await using etcd = connectEtcd(servers.config);
    const well = instanceOf({ owner: containerOwner({ node: 'n1' }) });
    const ill = { ...well, status: 'critical' as const };
    const keys = async () =>
      (await etcd.list('/sky/', noEnd)).kvs.map(({ key }) => key.replace(/-[0-9a-f]{8}$/, ''));

    await mirror.put(mirror.render(well), noEnd);
    const whileWell = await keys();
    const rendered = new Set(mirror.render(ill).map(({ key }) => key));
    const gone = mirror.render(well).flatMap(({ key }) => (rendered.has(key) ? [] : [key]));
    await mirror.remove(gone, noEnd);
    const whileIll = await keys();
    await mirror.remove([...rendered], noEnd);

    expect(whileWell).toEqual([
      '/sky/arpa/in-addr/10/1/0/2',
      '/sky/test/example/net/c1/web-1-n1',
      '/sky/test/example/svc/default/web/web-1-n1',
    ]);
    expect(whileIll).toEqual(['/sky/arpa/in-addr/10/1/0/2', '/sky/test/example/net/c1/web-1-n1']);
    expect(await keys()).toEqual([]);
  });

  test('the reverse name of an address that two machines have is whose it was first, and nobody takes it away', async () => {
    await using subject = createSubject(() => skydns);
    await using one = subject.machine('n1');
    await using other = subject.machine('n2');
    await using etcd = connectEtcd(servers.config);
    const ofOne = instanceOf({ owner: containerOwner({ node: 'n1' }) });
    const ofOther = instanceOf({ id: 'web-2', owner: containerOwner({ node: 'n2', containerId: 'c2' }) });
    const target = async () => {
      const [found] = (await etcd.get('/sky/arpa/in-addr/10/1/0/2', noEnd)).kvs;
      return found === undefined ? undefined : JSON.parse(found.value).host;
    };

    await one.put(one.render(ofOne), noEnd);
    await other.put(other.render(ofOther), noEnd);
    const first = await target();
    await other.remove(
      other.render(ofOther).map(({ key }) => key),
      noEnd,
    );
    const still = await target();
    await one.remove(
      one.render(ofOne).map(({ key }) => key),
      noEnd,
    );

    expect([first, still, await target()]).toEqual(['c1.net.example.test', 'c1.net.example.test', undefined]);
  });
});
