import { describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd, WatchBatch } from '../../lib/etcd/etcd.ts';
import { type EtcdMember, EtcdServers } from '../support/etcd.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const never = new AbortController().signal;
const loopback = { address: '127.0.0.1' };

/** Three members, and a client that has asked their leader last. */
async function startThree() {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(temporaryDirectory());
  const servers = stack.use(
    await EtcdServers.start({ dir: dir.path, places: [loopback, loopback, loopback] }),
  );
  const leader = await servers.leader();
  const others = servers.members.filter((member) => member !== leader);
  const [one = '', two = ''] = others.map(({ endpoint }) => endpoint);
  const etcd = stack.use(connectEtcd({ ...servers.config, endpoints: [leader.endpoint, one, two] }));
  await put(etcd, 'before');
  const owned = stack.move();
  return { servers, leader, others, etcd, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const put = (etcd: Etcd, value: string) =>
  etcd.commit({ compare: [], writes: [{ kind: 'put', key: '/key', value }] }, never);

const read = async (etcd: Etcd) => (await etcd.get('/key', never)).kvs[0]?.value;

// Most of it is waiting for servers.
describe.concurrent('three members', { timeout: 40_000 }, () => {
  test('are asked in turn when the leader was killed, and go on where the answer stopped', async () => {
    await using three = await startThree();
    const { etcd, leader } = three;
    expect(etcd.endpoint).toBe(leader.endpoint);

    await leader.kill();
    const startedAtMs = performance.now();
    await put(etcd, 'after');

    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(etcd.endpoint).not.toBe(leader.endpoint);
    expect(await read(etcd)).toBe('after');
  });

  test('are asked in turn when the leader is frozen, in less than the time of a call', async () => {
    await using three = await startThree();
    const { etcd, leader } = three;

    leader.stop();
    const startedAtMs = performance.now();
    await put(etcd, 'after');
    const firstMs = performance.now() - startedAtMs;
    await put(etcd, 'again');

    expect(firstMs).toBeGreaterThan(1_900);
    expect(firstMs).toBeLessThan(5_000);
    expect(performance.now() - startedAtMs - firstMs).toBeLessThan(500);
    expect(etcd.endpoint).not.toBe(leader.endpoint);
  });

  test('are asked in another order also when it is the caller that loses patience with a frozen one', async () => {
    await using three = await startThree();
    const { etcd, leader } = three;
    leader.stop();

    await expect(etcd.get('/key', AbortSignal.timeout(1_200))).rejects.toThrow();

    expect(etcd.endpoint).not.toBe(leader.endpoint);
  });

  test('say that there is no leader, in a call and in a watch that had begun', async () => {
    await using three = await startThree();
    const { etcd, leader, others } = three;
    const [alone, second] = others as [EtcdMember, EtcdMember];
    await using lonely = connectEtcd({
      ...three.servers.config,
      endpoints: [alone.endpoint],
      timeoutMs: 1_000,
    });
    const watch = collect(lonely, await revision(etcd));
    await put(etcd, 'seen');
    await until(() => watch.batches.length === 1, 'the watch to begin');

    await Promise.all([leader.kill(), second.kill()]);

    await expect(watch.ended).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('no leader'),
    });
    await expect(lonely.get('/key', never)).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('no leader'),
    });
  });
});

async function revision(etcd: Etcd): Promise<number> {
  return (await etcd.get('/key', never)).revision;
}

function collect(etcd: Etcd, after: number) {
  const batches: WatchBatch[] = [];
  const ended = (async () => {
    for await (const batch of etcd.watch('/key', after + 1, never)) batches.push(batch);
  })();
  ended.catch(() => undefined);
  return { batches, ended };
}
