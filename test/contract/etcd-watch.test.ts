import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd, WatchBatch } from '../../lib/etcd/etcd.ts';
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

/** Watches in the background; disposing ends the watch, and fails where it had failed. */
function record(prefix: string, fromRevision: number) {
  const controller = new AbortController();
  const batches: WatchBatch[] = [];
  const ended = (async () => {
    for await (const batch of etcd.watch(prefix, fromRevision, controller.signal)) batches.push(batch);
  })();
  ended.catch(() => undefined);
  return {
    batches,
    ended,
    events: () =>
      batches.flatMap(({ events }) =>
        events.map((event) => (event.kind === 'put' ? `${event.kv.key}=${event.kv.value}` : `-${event.key}`)),
      ),
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await ended;
    },
  };
}

const next = async () => (await etcd.get('/', never)).revision + 1;
const put = (key: string, value: string) => ({ kind: 'put', key, value }) as const;

describe('a watch of a real etcd', { timeout: 20_000 }, () => {
  test('tells what etcdctl puts and deletes below the prefix, and nothing beside it', async () => {
    await using watch = record('/seen/', await next());

    await servers.etcdctl('put', '/seen/a', '1');
    await servers.etcdctl('put', '/seen0', 'beside');
    await servers.etcdctl('del', '/seen/a');
    await until(() => watch.events().length === 2, 'both events');

    expect(watch.events()).toEqual(['/seen/a=1', '-/seen/a']);
  });

  test('tells of a transaction with thousands of bytes at once, as one batch with its revision', async () => {
    await using watch = record('/txn/', await next());
    const writes = Array.from({ length: 100 }, (_, index) => put(`/txn/${index}`, 'x'.repeat(10_000)));

    const { revision } = await etcd.commit({ compare: [], writes }, never);
    await until(() => watch.batches.length > 0, 'the batch');

    expect(watch.batches).toMatchObject([{ revision, events: { length: 100 } }]);
  });

  test('tells of what was written before it began, in order, resumable after each batch', async () => {
    const from = await next();
    const written = Array.from({ length: 1_500 }, (_, index) => `/past/${index % 7}=${index}`);
    for (const text of written) {
      const [key = '', value = ''] = text.split('=');
      await etcd.commit({ compare: [], writes: [put(key, value)] }, never);
    }

    await using whole = record('/past/', from);
    await until(() => whole.events().length >= written.length, 'all events');
    const [first] = whole.batches;
    await using rest = record('/past/', (first?.revision ?? 0) + 1);
    await until(() => rest.events().length >= written.length - (first?.events.length ?? 0), 'the rest');

    expect(whole.events()).toEqual(written);
    expect(whole.batches.length).toBeGreaterThan(1);
    expect(rest.events()).toEqual(written.slice(first?.events.length));
  });

  test('tells of a lease that is over', async () => {
    const { id } = await etcd.grant(60, never);
    await using watch = record('/leased/', await next());

    await etcd.commit({ compare: [], writes: [{ ...put('/leased/a', ''), lease: id }] }, never);
    await etcd.revoke(id, never);
    await until(() => watch.events().length === 2, 'both events');

    expect(watch.events()).toEqual(['/leased/a=', '-/leased/a']);
  });

  test('says that it cannot begin at a revision that was compacted', async () => {
    const from = await next();
    for (const value of ['1', '2', '3']) await servers.etcdctl('put', '/compacted', value);
    await servers.etcdctl('compact', String((await next()) - 1));

    const watch = record('/compacted', from);

    await expect(watch.ended).rejects.toMatchObject({ kind: 'compacted', endpoint: etcd.endpoint });
    expect(watch.batches).toEqual([]);
  });

  test('ends with its signal, also before the server has answered', async () => {
    const controller = new AbortController();
    const seen: WatchBatch[] = [];
    const watching = (async () => {
      for await (const batch of etcd.watch('/ended/', 1, controller.signal)) seen.push(batch);
    })();
    controller.abort();

    await watching;

    expect(seen).toEqual([]);
  });

  test('leaves no connection behind, however it ends', async () => {
    const before = watchers(await metrics());
    const from = await next();
    {
      await using aborted = record('/gone/', from);
      await servers.etcdctl('put', '/gone/a', '1');
      await until(() => aborted.batches.length === 1, 'the event');
    }
    for await (const batch of etcd.watch('/gone/', from, never)) if (batch.events.length > 0) break;

    await until(async () => watchers(await metrics()) === before, 'the watches to go');
  });

  test('fails when the server ends, and so does no other call once it is back', async () => {
    const watch = record('/restarted/', await next());
    await until(async () => watchers(await metrics()) === 1, 'the watch to begin');

    await servers.members[0]?.restart();

    await expect(watch.ended).rejects.toMatchObject({ kind: 'unreachable' });
    expect((await etcd.get('/seen0', never)).kvs).toHaveLength(1);
  });

  test('ends when the client is closed', async () => {
    const own = connectEtcd(servers.config);
    const from = await next();
    const watching = (async () => {
      for await (const _ of own.watch('/closed/', from, never)) return 'an event';
      return 'no event';
    })();
    watching.catch(() => undefined);
    await until(async () => watchers(await metrics()) === 1, 'the watch to begin');

    await own[Symbol.asyncDispose]();

    await expect(watching).rejects.toMatchObject({ kind: 'unreachable' });
  });
});

async function metrics(): Promise<string> {
  return (await fetch(`${servers.endpoints[0]}/metrics`)).text();
}

/** How many watches the server has. */
function watchers(text: string): number {
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)/m.exec(text)?.[1]);
}
