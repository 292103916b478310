import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EtcdError } from '../../../lib/etcd/etcd.ts';
import { createEtcdMirror, type EtcdMirrorOptions } from '../../../lib/registry/etcd-mirror.ts';
import { resync } from '../../../lib/registry/outbox.ts';
import { registerNumbered, temporaryStore } from '../../support/registrations.ts';
import { instanceOf } from '../../support/registry.ts';
import { EtcdInMemory } from './etcd-in-memory.ts';

const noEnd = new AbortController().signal;
const prefix = '/fairlead/registry';

function mirrorOf(etcd: EtcdInMemory, said: Partial<EtcdMirrorOptions> = {}) {
  return createEtcdMirror({ etcd, prefix, node: 'n1', ttlSeconds: 30, name: 'etcd', ...said });
}

const numbered = (count: number) => Array.from({ length: count }, (_, at) => instanceOf({ id: `web-${at}` }));

describe('keys', () => {
  test('an instance is written below its machine, in JSON, under the lease of the machine', async () => {
    const etcd = new EtcdInMemory();
    const mirror = mirrorOf(etcd);

    await mirror.put([instanceOf({ id: 'web-1' })], noEnd);
    await mirror.put([instanceOf({ id: 'web-2' })], noEnd);

    expect([...etcd.keys.keys()]).toEqual([
      '/fairlead/registry/instances/n1/web-1',
      '/fairlead/registry/instances/n1/web-2',
    ]);
    expect([...etcd.keys.values()].map(({ lease }) => lease)).toEqual([etcd.leases[0], etcd.leases[0]]);
    expect(JSON.parse(etcd.keys.get('/fairlead/registry/instances/n1/web-1')?.value ?? '')).toEqual(
      instanceOf({ id: 'web-1' }),
    );
  });

  test('nothing is granted where nothing is written', async () => {
    const etcd = new EtcdInMemory();
    const mirror = mirrorOf(etcd);

    await mirror.listOwn(noEnd);
    await mirror.put([], noEnd);
    await mirror.remove([instanceOf()], noEnd);

    expect(etcd.leases).toEqual([]);
  });

  test('whatever is put, listed and removed, only keys of this machine are written', async () => {
    const etcd = new EtcdInMemory();
    etcd.write('/fairlead/registry/instances/n10/web-1', JSON.stringify(instanceOf({ id: 'web-1' })));
    etcd.write('/fairlead/registry/instances/n2/nonsense', '?');
    const mirror = mirrorOf(etcd);

    await mirror.put(numbered(3), noEnd);
    await mirror.listOwn(noEnd);
    await mirror.remove(numbered(3), noEnd);

    const written = etcd.commits.flatMap(({ writes }) => writes.map(({ key }) => key));
    expect(written.filter((key) => !key.startsWith('/fairlead/registry/instances/n1/'))).toEqual([]);
    expect([...etcd.keys.keys()]).toEqual([
      '/fairlead/registry/instances/n10/web-1',
      '/fairlead/registry/instances/n2/nonsense',
    ]);
  });
});

describe('transactions', () => {
  test('have no more writes than etcd allows', async () => {
    const etcd = new EtcdInMemory();
    const mirror = mirrorOf(etcd);

    await mirror.put(numbered(300), noEnd);
    await mirror.remove(numbered(300), noEnd);

    expect(etcd.commits.map(({ writes }) => writes.length)).toEqual([128, 128, 44, 128, 128, 44]);
    expect(etcd.keys.size).toBe(0);
  });

  test('are not larger than etcd takes, however large the instances are', async () => {
    const etcd = new EtcdInMemory();
    const meta = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`key-${at}`, 'x'.repeat(255)]));

    await mirrorOf(etcd).put(
      numbered(100).map((instance) => ({ ...instance, meta })),
      noEnd,
    );

    const sizes = etcd.commits.map(({ writes }) => JSON.stringify(writes).length);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
    expect(etcd.keys.size).toBe(100);
  });

  test('write each key once, as it was given last', async () => {
    const etcd = new EtcdInMemory();

    await mirrorOf(etcd).put([instanceOf({ weight: 1 }), instanceOf({ weight: 9 })], noEnd);

    expect(etcd.commits.map(({ writes }) => writes.length)).toEqual([1]);
    expect([...etcd.keys.values()].map(({ value }) => JSON.parse(value).weight)).toEqual([9]);
  });
});

describe('the lease', () => {
  test('that is gone when something is put is replaced, the owner is told, and the put is done', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { onLeaseLost: () => lost++ });
    await mirror.put([instanceOf({ id: 'web-1' })], noEnd);
    etcd.expire(etcd.leases[0] ?? '');

    await mirror.put([instanceOf({ id: 'web-2' })], noEnd);

    expect([lost, [...etcd.keys.keys()]]).toEqual([1, ['/fairlead/registry/instances/n1/web-2']]);
    expect([...etcd.keys.values()][0]?.lease).toBe(etcd.leases[0]);
  });

  test('that is gone is noticed when it is renewed, and told once', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { ttlSeconds: 0.03, onLeaseLost: () => lost++ });
    const end = new AbortController();
    await mirror.put([instanceOf()], noEnd);
    etcd.failures.push({ call: 'keepAlive', error: new EtcdError('unreachable', etcd.endpoint, 'away') });
    etcd.expire(etcd.leases[0] ?? '');

    const running = mirror.run(end.signal);
    await sleep(120);
    end.abort();
    await running;

    expect(lost).toBe(1);
  });

  test('that was replaced meanwhile is not told of again by a renewal that is answered late', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { ttlSeconds: 0.03, onLeaseLost: () => lost++ });
    const end = new AbortController();
    const late = Promise.withResolvers<number>();
    await mirror.put([instanceOf({ id: 'web-1' })], noEnd);
    let asked = 0;
    etcd.keepAlive = () => (++asked === 1 ? late.promise : Promise.resolve(30));

    const running = mirror.run(end.signal);
    while (asked === 0) await sleep(1);
    etcd.expire(etcd.leases[0] ?? '');
    await mirror.put([instanceOf({ id: 'web-2' })], noEnd);
    late.resolve(0);
    await sleep(30);
    await mirror.put([instanceOf({ id: 'web-3' })], noEnd);
    end.abort();
    await running;

    expect([lost, etcd.leases.length]).toEqual([1, 1]);
  });

  test('is not taken for lost while the cluster is away', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { ttlSeconds: 0.03, onLeaseLost: () => lost++ });
    const end = new AbortController();
    await mirror.put([instanceOf()], noEnd);
    const away = new EtcdError('unreachable', etcd.endpoint, 'away');
    for (let time = 0; time < 1_000; time++) etcd.failures.push({ call: 'keepAlive', error: away });

    const running = mirror.run(end.signal);
    await sleep(100);
    end.abort();
    await running;

    expect([lost, etcd.failures.length < 1_000]).toEqual([0, true]);
  });

  test('of an earlier process of this machine is left behind: what stands under it is taken over', async () => {
    using temporary = temporaryStore();
    const etcd = new EtcdInMemory();
    registerNumbered(temporary.store, 1);
    await resync(temporary.store, mirrorOf(etcd), noEnd);
    const [former = ''] = etcd.leases;

    const result = await resync(temporary.store, mirrorOf(etcd), noEnd);
    etcd.expire(former);

    expect(result).toMatchObject({ put: 0, removed: 0 });
    expect([...etcd.keys.keys()]).toEqual(['/fairlead/registry/instances/n1/c1-1']);
  });
});

test('what nobody understands below this machine goes, and is no instance', async () => {
  const etcd = new EtcdInMemory();
  const mirror = mirrorOf(etcd);
  await mirror.put([instanceOf({ id: 'web-1' })], noEnd);
  etcd.write('/fairlead/registry/instances/n1/web-2', '{"id":"web-2"}');
  etcd.write('/fairlead/registry/instances/n1/web-3', 'not JSON');
  etcd.write('/fairlead/registry/instances/n1/a/b', '{}');

  expect((await mirror.listOwn(noEnd)).map(({ id }) => id)).toEqual(['web-1']);
  expect([...etcd.keys.keys()]).toEqual(['/fairlead/registry/instances/n1/web-1']);
});

test('a query passes over what nobody understands', async () => {
  const etcd = new EtcdInMemory();
  const mirror = mirrorOf(etcd);
  await mirror.put([instanceOf({ id: 'web-1' })], noEnd);
  etcd.write('/fairlead/registry/instances/n2/web-2', '[]');

  const found = await mirror.query({ namespace: 'default', service: 'web' }, noEnd);

  expect(found.map(({ id }) => id)).toEqual(['web-1']);
});
