import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { EtcdError } from '../../../../lib/etcd/etcd.ts';
import { Deliverer } from '../../../../lib/mirror/delivery.ts';
import { createEtcdMirror, type EtcdMirrorOptions } from '../../../../lib/mirror/etcd/etcd-mirror.ts';
import type { OutsideRegistry } from '../../../../lib/mirror/mirror.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { EtcdInMemory } from '../../../support/etcd-in-memory.ts';
import { registerNumbered, temporaryStore } from '../../../support/registrations.ts';
import { instanceOf } from '../../../support/registry.ts';

const noEnd = new AbortController().signal;
const prefix = '/fairlead/registry';

function mirrorOf(etcd: EtcdInMemory, said: Partial<EtcdMirrorOptions> = {}) {
  return createEtcdMirror({
    ...{
      etcd,
      prefix,
      node: 'n1',
      ttlSeconds: 30,
      skydns: undefined,
      name: 'etcd',
      session: 'held',
      ...said,
    },
  });
}

function put(mirror: OutsideRegistry, instances: readonly Instance[]) {
  const entries = instances.flatMap((instance) => mirror.render(instance));
  return mirror.put(entries, noEnd);
}

function remove(mirror: OutsideRegistry, instances: readonly Instance[]) {
  return mirror.remove(
    instances.flatMap((instance) => mirror.render(instance)).map(({ key }) => key),
    noEnd,
  );
}

const numbered = (count: number) => Array.from({ length: count }, (_, at) => instanceOf({ id: `web-${at}` }));

describe('keys', () => {
  test('an instance is written below its machine, in JSON, under the lease of the machine', async () => {
    const etcd = new EtcdInMemory();
    const mirror = mirrorOf(etcd);

    await put(mirror, [instanceOf({ id: 'web-1' })]);
    await put(mirror, [instanceOf({ id: 'web-2' })]);

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
    await put(mirror, []);
    await remove(mirror, [instanceOf()]);

    expect(etcd.leases).toEqual([]);
  });

  test('whatever is put, listed and removed, only keys of this machine are written', async () => {
    const etcd = new EtcdInMemory();
    etcd.write('/fairlead/registry/instances/n10/web-1', JSON.stringify(instanceOf({ id: 'web-1' })));
    etcd.write('/fairlead/registry/instances/n2/nonsense', '?');
    const mirror = mirrorOf(etcd);

    await put(mirror, numbered(3));
    await mirror.listOwn(noEnd);
    await remove(mirror, numbered(3));

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

    await put(mirror, numbered(300));
    await remove(mirror, numbered(300));

    expect(etcd.commits.map(({ writes }) => writes.length)).toEqual([128, 128, 44, 128, 128, 44]);
    expect(etcd.keys.size).toBe(0);
  });

  test('are not larger than etcd takes, however large the instances are', async () => {
    const etcd = new EtcdInMemory();
    const meta = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`key-${at}`, 'x'.repeat(255)]));

    await put(
      mirrorOf(etcd),
      numbered(100).map((instance) => ({ ...instance, meta })),
    );

    const sizes = etcd.commits.map(({ writes }) => JSON.stringify(writes).length);
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
    expect(etcd.keys.size).toBe(100);
  });

  test('write each key once, as it was given last', async () => {
    const etcd = new EtcdInMemory();

    await put(mirrorOf(etcd), [instanceOf({ weight: 1 }), instanceOf({ weight: 9 })]);

    expect(etcd.commits.map(({ writes }) => writes.length)).toEqual([1]);
    expect([...etcd.keys.values()].map(({ value }) => JSON.parse(value).weight)).toEqual([9]);
  });
});

describe('the lease', () => {
  test('that is gone when something is put is replaced, the owner is told, and the put is done', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd);
    const end = new AbortController();
    const running = mirror.run(() => lost++, end.signal);
    await put(mirror, [instanceOf({ id: 'web-1' })]);
    etcd.expire(etcd.leases[0] ?? '');

    await put(mirror, [instanceOf({ id: 'web-2' })]);
    end.abort();
    await running;

    expect([lost, [...etcd.keys.keys()]]).toEqual([1, ['/fairlead/registry/instances/n1/web-2']]);
    expect([...etcd.keys.values()][0]?.lease).toBe(etcd.leases[0]);
  });

  test('that is gone is noticed when it is renewed, and told; so is a renewal that fails', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { ttlSeconds: 0.03 });
    const end = new AbortController();
    await put(mirror, [instanceOf()]);
    etcd.failures.push({ call: 'keepAlive', error: new EtcdError('unreachable', etcd.endpoint, 'away') });
    etcd.expire(etcd.leases[0] ?? '');

    const running = mirror.run(() => lost++, end.signal);
    await sleep(120);
    end.abort();
    await running;

    expect(lost).toBe(2);
  });

  test('that was replaced meanwhile is not told of again by a renewal that is answered late', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { ttlSeconds: 0.03 });
    const end = new AbortController();
    const late = Promise.withResolvers<number>();
    await put(mirror, [instanceOf({ id: 'web-1' })]);
    let asked = 0;
    etcd.keepAlive = () => (++asked === 1 ? late.promise : Promise.resolve(30));

    const running = mirror.run(() => lost++, end.signal);
    while (asked === 0) await sleep(1);
    etcd.expire(etcd.leases[0] ?? '');
    await put(mirror, [instanceOf({ id: 'web-2' })]);
    late.resolve(0);
    await sleep(30);
    await put(mirror, [instanceOf({ id: 'web-3' })]);
    end.abort();
    await running;

    expect([lost, etcd.leases.length]).toEqual([1, 1]);
  });

  test('is kept while the cluster is away, and it is told once that it may be lost', async () => {
    const etcd = new EtcdInMemory();
    let lost = 0;
    const mirror = mirrorOf(etcd, { ttlSeconds: 0.03 });
    const end = new AbortController();
    await put(mirror, [instanceOf()]);
    const away = new EtcdError('unreachable', etcd.endpoint, 'away');
    for (let time = 0; time < 1_000; time++) etcd.failures.push({ call: 'keepAlive', error: away });

    const leases = [...etcd.leases];
    const running = mirror.run(() => lost++, end.signal);
    while (etcd.failures.length > 990) await sleep(1);
    end.abort();
    await running;
    await put(mirror, [instanceOf({ id: 'web-2' })]);

    expect([lost, etcd.leases]).toEqual([1, leases]);
  });

  test('of an earlier process of this machine is left behind: what stands under it is taken over', async () => {
    using temporary = temporaryStore();
    const etcd = new EtcdInMemory();
    registerNumbered(temporary.store, 1);
    await new Deliverer(temporary.store, mirrorOf(etcd)).resync(noEnd);
    const [former = ''] = etcd.leases;

    const deliverer = new Deliverer(temporary.store, mirrorOf(etcd));
    const results = [await deliverer.resync(noEnd), await deliverer.resync(noEnd)];
    etcd.expire(former);

    expect(results).toMatchObject([
      { put: 1, removed: 0 },
      { put: 0, removed: 0 },
    ]);
    expect([...etcd.keys.keys()]).toEqual(['/fairlead/registry/instances/n1/c1-1']);
  });
});

test('what nobody understands below this machine goes', async () => {
  const etcd = new EtcdInMemory();
  using temporary = temporaryStore();
  etcd.write('/fairlead/registry/instances/n1/web-2', '{"id":"web-2"}');
  etcd.write('/fairlead/registry/instances/n1/web-3', 'not JSON');
  etcd.write('/fairlead/registry/instances/n1/a/b', '{}');

  await new Deliverer(temporary.store, mirrorOf(etcd)).resync(noEnd);

  expect([...etcd.keys.keys()]).toEqual([]);
});

test('a query passes over what nobody understands, and what a machine says of another', async () => {
  const etcd = new EtcdInMemory();
  const mirror = mirrorOf(etcd);
  const own = { kind: 'api', node: 'n1' } as const;
  await put(mirror, [instanceOf({ id: 'web-1', owner: own })]);
  etcd.write('/fairlead/registry/instances/n2/web-2', '[]');
  etcd.write(
    '/fairlead/registry/instances/n2/web-3',
    JSON.stringify(instanceOf({ id: 'web-3', owner: own })),
  );

  const found = await mirror.query('web.default', noEnd);

  expect(found.map(({ id }) => id)).toEqual(['web-1']);
});
