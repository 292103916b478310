import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { connectEtcd } from '../../lib/etcd/client.ts';
import { parseEtcdMirrorConfig } from '../../lib/mirror/etcd/config.ts';
import { etcdKind } from '../../lib/mirror/etcd/kind.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { Imports } from '../../lib/registry/imports.ts';
import { ServiceImport } from '../../plugins/agent/mirror-import.ts';
import { EtcdServers } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
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
    forge: undefined,
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

describeMirror('etcd, a cluster of three', async () => createSubject(), { readsForeign: false });

describeMirror(
  'etcd, with what CoreDNS reads beside it',
  async () => createSubject((at) => ({ prefix: `/skydns-${at}`, zone: 'example.test' })),
  { readsForeign: false },
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

  test('the reverse name that two machines write at once stays with the first, and goes to the other after that one', async () => {
    await using subject = createSubject(() => ({ ...skydns, prefix: '/sky-at-once' }));
    await using etcd = connectEtcd(servers.config);
    await using one = subject.machine('n1');
    await using other = subject.machine('n2');
    const machines = [
      { mirror: one, node: 'n1' },
      { mirror: other, node: 'n2' },
    ] as const;
    const entriesOf = ({ mirror, node }: (typeof machines)[number], at: number) =>
      mirror.render(instanceOf({ id: `i-${at}`, address: `10.1.0.${at}`, owner: containerOwner({ node }) }));
    const rounds: unknown[] = [];
    for (let at = 0; at < 50; at++) {
      const find = async () => (await etcd.get(`/sky-at-once/arpa/in-addr/10/1/0/${at}`, noEnd)).kvs[0];
      await Promise.all(machines.map((each) => each.mirror.put(entriesOf(each, at), noEnd)));
      const first = await find();
      const isOfOne = first?.value.includes('"n1"') === true;
      const [winner, loser] = isOfOne ? [machines[0], machines[1]] : [machines[1], machines[0]];
      await loser.mirror.put(entriesOf(loser, at), noEnd);
      const still = await find();
      const keys = entriesOf(winner, at).map(({ key }) => key);
      await winner.mirror.remove(keys, noEnd);
      await loser.mirror.put(entriesOf(loser, at), noEnd);
      const isHandedOver = (await find())?.value.includes(`"${loser.node}"`);
      rounds.push([
        first?.createRevision === first?.modRevision,
        isDeepStrictEqual(first, still),
        isHandedOver,
      ]);
    }

    expect(rounds).toEqual(Array(50).fill([true, true, true]));
  });
});

describe('an import', () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const config = { namespace: 'corp', services: ['*'] };
  const machine = (endpoints: readonly string[], node: string) => {
    const parsed = parseEtcdMirrorConfig(new Fields({ endpoints, timeout: '2s', prefix: '/imported' }, ''));
    return etcdKind.open(parsed, { name: `etcd-${node}`, node, session: 'held' });
  };
  const fill = (mirror: OutsideRegistry, count: number) => {
    const instances = Array.from({ length: count }, (_, at) =>
      instanceOf({
        id: `i-${at}`,
        service: `s${at % (count / 10)}`,
        address: `10.1.${at >> 8}.${at & 255}`,
        owner: { kind: 'api', node: 'n2' },
      }),
    );
    return mirror.put(
      instances.flatMap((instance) => mirror.render(instance)),
      noEnd,
    );
  };

  test('of many services is there in seconds, and takes no more memory than they do', async () => {
    const count = process.env.SOAK === '1' ? 10_000 : 2_000;
    await using theirs = machine(servers.endpoints, 'n2');
    await using mine = machine(servers.endpoints, 'n1');
    await fill(theirs, count);
    const imports = new Imports({ node: 'n1', firstRevision: 1 });
    const end = new AbortController();
    const [beforeBytes, beginMs] = [process.memoryUsage.rss(), performance.now()];

    const importing = new ServiceImport({ name: 'many', config, source: mine, imports, log });
    const running = importing.run(end.signal);
    await eventually('all to be imported', async () => (imports.size === count ? true : undefined));
    const tookMs = performance.now() - beginMs;
    const grownMb = (process.memoryUsage.rss() - beforeBytes) / 1e6;
    const { services } = importing.status();
    end.abort();
    await running;

    console.info(
      `${count} records in ${services} services imported in ${tookMs.toFixed()} ms, ${grownMb.toFixed()} MB more`,
    );
    expect(services).toBe(count / 10);
    expect(tookMs).toBeLessThan(5_000);
    expect(grownMb).toBeLessThan(150);
  });

  test('tells that the cluster is away, killed or standing still, keeps what it had, and goes on', async () => {
    using dir = temporaryDirectory();
    await using alone = await EtcdServers.start({ places: [{ address: '127.0.0.1' }], dir: dir.path });
    await using theirs = machine(alone.endpoints, 'n2');
    await using mine = machine(alone.endpoints, 'n1');
    await fill(theirs, 100);
    const imports = new Imports({ node: 'n1', firstRevision: 1 });
    const end = new AbortController();
    const importing = new ServiceImport({ name: 'away', config, source: mine, imports, log });
    const running = importing.run(end.signal);
    const becomes = async (isConnected: boolean) => {
      const beginMs = performance.now();
      await eventually(`the import to be ${isConnected ? 'connected' : 'lost'}`, async () =>
        importing.status().isConnected === isConnected ? true : undefined,
      );
      return Math.round(performance.now() - beginMs);
    };
    await becomes(true);

    await alone.kill();
    const killedMs = await becomes(false);
    const { lastError } = importing.status();
    await alone.restart();
    await becomes(true);
    alone.stop();
    const frozenMs = await becomes(false);
    const frozenError = importing.status().lastError;
    alone.cont();
    await becomes(true);
    const { size } = imports;
    end.abort();
    await running;

    console.info(`told of a killed server after ${killedMs} ms, of a frozen one after ${frozenMs} ms`);
    expect(lastError).toMatch(/^etcd at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    expect(frozenError).toMatch(/^etcd at http:\/\/127\.0\.0\.1:\d+: .*no (answer|sign of life) within/);
    expect([size, killedMs < 2_000, frozenMs < 10_000]).toEqual([100, true, true]);
  }, 60_000);
});
