import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { EtcdServers } from '../support/etcd.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const never = new AbortController().signal;
const stack = new AsyncDisposableStack();
let servers: EtcdServers;
let etcd: Etcd;

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  servers = stack.use(await EtcdServers.start({ dir: dir.path, places: [{ address: '127.0.0.1' }] }));
  etcd = stack.use(connectEtcd(servers.config));
}, 30_000);

afterAll(() => stack.disposeAsync());

const put = (key: string, value: string, lease?: string) =>
  ({ kind: 'put', key, value, ...(lease === undefined ? {} : { lease }) }) as const;

const create = (key: string, value: string) =>
  ({ compare: [{ key, target: 'create-revision', equals: 0 }], writes: [put(key, value)] }) as const;

describe('keys of a real etcd', { timeout: 20_000 }, () => {
  test('reads what etcdctl has written, in any characters', async () => {
    await servers.etcdctl('put', '/read/ключ&:', 'wért\n"\\');

    const { kvs, revision } = await etcd.get('/read/ключ&:', never);

    expect(kvs).toEqual([
      {
        key: '/read/ключ&:',
        value: 'wért\n"\\',
        createRevision: revision,
        modRevision: revision,
        lease: '0',
      },
    ]);
  });

  test('has no key, but a revision, where there is none', async () => {
    expect(await etcd.get('/none', never)).toEqual({ revision: expect.any(Number), kvs: [] });
  });

  test('lists what begins with a prefix, and nothing beside it', async () => {
    for (const key of ['/list', '/list/a', '/list/b/c', '/list0', '/lisu'])
      await servers.etcdctl('put', key, 'x');

    const { kvs } = await etcd.list('/list/', never);

    expect(kvs.map(({ key }) => key)).toEqual(['/list/a', '/list/b/c']);
  });

  test('lists more keys than fit on a page, at one revision, while they are written to', async () => {
    const keys = Array.from({ length: 1_201 }, (_, index) => `/many/${String(index).padStart(5, '0')}`);
    for (let from = 0; from < keys.length; from += 100)
      await etcd.commit(
        { compare: [], writes: keys.slice(from, from + 100).map((key) => put(key, 'old')) },
        never,
      );

    const [listed] = await Promise.all([
      etcd.list('/many/', never),
      ...keys.slice(-50).map((key) => etcd.commit({ compare: [], writes: [put(key, 'new')] }, never)),
    ]);

    expect(listed.kvs.map(({ key }) => key)).toEqual(keys);
    expect(listed.kvs.every(({ modRevision }) => modRevision <= listed.revision)).toBe(true);
  });

  test('lists every key with an empty prefix', async () => {
    await servers.etcdctl('put', '!first', 'x');
    await servers.etcdctl('put', '~last', 'x');

    const { kvs } = await etcd.list('', never);

    expect([kvs[0]?.key, kvs.at(-1)?.key]).toEqual(['!first', '~last']);
  });
});

describe('transactions of a real etcd', { timeout: 20_000 }, () => {
  test('carries out all writes at one revision', async () => {
    await servers.etcdctl('put', '/txn/old', 'x');

    const { succeeded, revision } = await etcd.commit(
      { compare: [], writes: [put('/txn/a', '1'), put('/txn/b', ''), { kind: 'delete', key: '/txn/old' }] },
      never,
    );

    expect(succeeded).toBe(true);
    expect((await etcd.list('/txn/', never)).kvs).toMatchObject([
      { key: '/txn/a', value: '1', modRevision: revision },
      { key: '/txn/b', value: '', modRevision: revision },
    ]);
  });

  test('gives a key that does not exist to one of many that create it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => etcd.commit(create('/race', `${index}`), never)),
    );

    const winners = answers.flatMap(({ succeeded }, index) => (succeeded ? [`${index}`] : []));
    expect(winners).toEqual([(await etcd.get('/race', never)).kvs[0]?.value]);
  });

  test('changes a key only as long as nobody else has', async () => {
    const { revision: equals } = await etcd.commit(create('/guarded', 'mine'), never);
    const compare = [{ key: '/guarded', target: 'mod-revision', equals }] as const;

    const first = await etcd.commit({ compare, writes: [put('/guarded', 'first')] }, never);
    const second = await etcd.commit({ compare, writes: [put('/guarded', 'second')] }, never);

    expect([first.succeeded, second.succeeded]).toEqual([true, false]);
    expect((await etcd.get('/guarded', never)).kvs[0]?.value).toBe('first');
  });

  test('refuses a write with a lease that is not there', async () => {
    const writing = etcd.commit({ compare: [], writes: [put('/no-lease', 'x', '123456')] }, never);

    await expect(writing).rejects.toMatchObject({
      kind: 'lease-lost',
      endpoint: servers.endpoints[0],
      message: `etcd at ${servers.endpoints[0]}: kv/txn: etcdserver: requested lease not found`,
    });
  });

  test('names the call that etcd does not take', async () => {
    const twice = { compare: [], writes: [put('/twice', '1'), put('/twice', '2')] };

    await expect(etcd.commit(twice, never)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/kv\/txn: .*duplicate key/),
    });
  });
});

describe('leases of a real etcd', { timeout: 20_000 }, () => {
  test('takes the keys along when its time is over', async () => {
    const lease = await etcd.grant(1, never);
    await etcd.commit({ compare: [], writes: [put('/leased', 'x', lease.id)] }, never);
    expect((await etcd.get('/leased', never)).kvs).toMatchObject([{ lease: lease.id }]);

    await until(async () => (await etcd.get('/leased', never)).kvs.length === 0, 'the lease to end');

    expect(await etcd.keepAlive(lease.id, never)).toBe(0);
  });

  test('lives on as long as it is kept alive', async () => {
    const lease = await etcd.grant(60, never);

    expect(lease.ttlSeconds).toBe(60);
    expect(await etcd.keepAlive(lease.id, never)).toBe(60);
    expect(
      await servers.etcdctl('lease', 'timetolive', Number(0).toString() + BigInt(lease.id).toString(16)),
    ).toMatch(/granted with TTL\(60s\)/);
  });

  test('takes the keys along when it is revoked, also twice', async () => {
    const { id } = await etcd.grant(60, never);
    await etcd.commit({ compare: [], writes: [put('/revoked', 'x', id)] }, never);

    await etcd.revoke(id, never);
    await etcd.revoke(id, never);

    expect((await etcd.get('/revoked', never)).kvs).toEqual([]);
    expect(await etcd.keepAlive(id, never)).toBe(0);
  });
});

describe('a call', { timeout: 20_000 }, () => {
  test('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const getting = etcd.get('/x', controller.signal);
    controller.abort(new Error('enough'));

    await expect(getting).rejects.toThrow('enough');
    await expect(etcd.get('/x', controller.signal)).rejects.toThrow('enough');
  });

  test('is refused by a client that was closed', async () => {
    const closed = connectEtcd(servers.config);
    await closed.get('/x', never);
    await closed[Symbol.asyncDispose]();

    await expect(closed.get('/x', never)).rejects.toThrow('the client is closed');
  });
});
