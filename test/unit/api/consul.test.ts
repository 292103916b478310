import { expect, test } from 'vitest';
import { type Answer, attach, call, createRig, draftOf, until } from './rig.ts';

function indexOf({ headers }: Answer): number {
  return Number(headers['x-consul-index']);
}

test('health of a service has the fields that Consul’s clients read', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'web-1', tags: ['a'], meta: { k: 'v' }, weight: 3 }));
  const answer = await call(rig.socket, 'GET /v1/health/service/web');
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'x-consul-index': '2', 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0' },
  });
  expect(answer.json).toMatchObject([
    {
      Node: { ID: rig.other.node, Node: 'node-1', Address: '192.0.2.1', Datacenter: 'dc1', Meta: {} },
      Service: {
        ID: 'web-1',
        Service: 'web',
        Tags: ['a'],
        Meta: { k: 'v' },
        Address: '10.1.0.2',
        Port: 80,
        Weights: { Passing: 3, Warning: 3 },
        TaggedAddresses: { lan_ipv4: { Address: '10.1.0.2', Port: 80 } },
        Namespace: 'default',
      },
      Checks: [
        {
          Node: 'node-1',
          CheckID: 'service:web-1',
          Status: 'passing',
          ServiceID: 'web-1',
          ServiceName: 'web',
        },
      ],
    },
  ]);
});

test('the catalog lists services with their tags, and instances one by one', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'a', tags: ['y', 'x'] }));
  rig.other.put(draftOf({ id: 'b', tags: ['x'], status: 'critical', address: 'fd00::2' }));
  rig.other.put(draftOf({ id: 'c', serviceName: 'db' }));
  rig.other.put(draftOf({ id: 'd', serviceName: 'other', namespace: 'blue' }));
  const services = await call(rig.socket, 'GET /v1/catalog/services');
  expect(services.json).toEqual({ web: ['x', 'y'], db: [] });
  expect((await call(rig.socket, 'GET /v1/catalog/services?ns=blue')).json).toEqual({ other: [] });
  expect((await call(rig.socket, 'GET /v1/catalog/services?node-meta=a:b')).json).toEqual({});
  const instances = await call(rig.socket, 'GET /v1/catalog/service/web?tag=x');
  expect(instances.json).toMatchObject([
    {
      ServiceID: 'a',
      ServiceName: 'web',
      ServiceAddress: '10.1.0.2',
      ServicePort: 80,
      ServiceTags: ['y', 'x'],
    },
    { ServiceID: 'b', ServiceTaggedAddresses: { lan_ipv6: { Address: 'fd00::2', Port: 80 } } },
  ]);
  expect((await call(rig.socket, 'GET /v1/catalog/service/web?tag=x&tag=y')).json).toHaveLength(1);
});

test('only a passing instance is passing to Consul’s clients', async () => {
  await using rig = await createRig();
  for (const status of ['passing', 'critical', 'draining', 'maintenance'] as const) {
    rig.other.put(draftOf({ id: status, status }));
  }
  const all = (await call(rig.socket, 'GET /v1/health/service/web')).json as {
    Checks: { CheckID: string; Status: string }[];
  }[];
  expect(all.map(({ Checks: [check] }) => `${check?.CheckID} ${check?.Status}`)).toEqual([
    'service:passing passing',
    'service:critical critical',
    'service:draining critical',
    '_service_maintenance:maintenance critical',
  ]);
  for (const passing of ['passing', 'passing=1', 'passing=true', 'passing=']) {
    const healthy = await call(rig.socket, `GET /v1/health/service/web?${passing}&stale`);
    expect(healthy.json).toMatchObject([{ Service: { ID: 'passing' } }]);
  }
  expect((await call(rig.socket, 'GET /v1/health/service/web?passing=false')).json).toHaveLength(4);
});

test('a service that is not there is an empty list with an index', async () => {
  await using rig = await createRig();
  const answer = await call(rig.socket, 'GET /v1/health/service/none?passing=1');
  expect(answer).toMatchObject({ status: 200, json: [] });
  expect(indexOf(answer)).toBeGreaterThan(0);
});

test('agent and leader answer what clients ask at their start', async () => {
  await using rig = await createRig();
  expect((await call(rig.socket, 'GET /v1/agent/self')).json).toMatchObject({
    Config: { Datacenter: 'dc1', NodeName: 'node-1', NodeID: rig.other.node },
    Member: { Name: 'node-1', Addr: '192.0.2.1' },
  });
  expect((await call(rig.socket, 'GET /v1/status/leader')).json).toBe('192.0.2.1:8300');
});

test('a loop like consul-template’s sees every state, and its index only grows', async () => {
  await using rig = await createRig({ refreshMs: 3 });
  const seen: number[] = [];
  const indexes: number[] = [];
  const following = (async () => {
    let index = 0;
    while (seen.at(-1) !== 3) {
      const query = `index=${index}&passing=1&stale=&wait=60000ms`;
      const answer = await call(rig.socket, `GET /v1/health/service/web?${query}`);
      index = indexOf(answer);
      indexes.push(index);
      seen.push((answer.json as unknown[]).length);
    }
  })();
  for (const id of ['a', 'b', 'c']) {
    await until('it waits', () => rig.api.watcherCount() === 1);
    rig.other.put(draftOf({ id }));
    await until('it has seen the change', () => seen.at(-1) === Number(rig.other.revision()));
  }
  await following;
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(indexes).toEqual([1, 2, 3, 4]);
});

test('a blocking query returns when its wait is over, with the same index', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const index = indexOf(await call(rig.socket, 'GET /v1/health/service/web'));
  const startMs = performance.now();
  const answer = await call(rig.socket, `GET /v1/health/service/web?index=${index}&wait=200ms`);
  const tookMs = performance.now() - startMs;
  expect(indexOf(answer)).toBe(index);
  expect(answer.json).toHaveLength(1);
  expect(tookMs).toBeGreaterThan(190);
  expect(tookMs).toBeLessThan(400);
});

test('an index that is not the present one is answered at once', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  rig.other.put(draftOf({ id: 'web-2' }));
  for (const index of [0, 1, 2, 1_000_000]) {
    expect(indexOf(await call(rig.socket, `GET /v1/health/service/web?index=${index}&wait=20s`))).toBe(3);
  }
});

test('a change of another service wakes nobody and moves no index', async () => {
  await using rig = await createRig({ refreshMs: 3 });
  rig.other.put(draftOf());
  const index = indexOf(await call(rig.socket, 'GET /v1/health/service/web'));
  const waiting = call(rig.socket, `GET /v1/health/service/web?index=${index}&wait=150ms`);
  await until('it waits', () => rig.api.watcherCount() === 1);
  rig.other.put(draftOf({ id: 'db', serviceName: 'db' }));
  expect(indexOf(await waiting)).toBe(index);
});

test('a service that vanishes wakes who waits for it, and so does its return', async () => {
  await using rig = await createRig({ refreshMs: 3 });
  rig.other.put(draftOf());
  const wait = async (index: number) => {
    const answer = call(rig.socket, `GET /v1/health/service/web?index=${index}&wait=20s`);
    await until('it waits', () => rig.api.watcherCount() === 1);
    return { answer };
  };
  const first = await wait(indexOf(await call(rig.socket, 'GET /v1/health/service/web')));
  rig.other.remove(['web-1']);
  const gone = await first.answer;
  expect(gone).toMatchObject({ json: [], headers: { 'x-consul-index': '3' } });
  const second = await wait(indexOf(gone));
  rig.other.put(draftOf());
  expect(await second.answer).toMatchObject({ json: [{}], headers: { 'x-consul-index': '4' } });
});

test('what happened while the agent was away is not slept through', async () => {
  await using rig = await createRig({
    prepare: (store) => {
      store.put(draftOf({ id: 'a' }));
      store.put(draftOf({ id: 'b' }));
      store.remove(['b']);
    },
  });
  // The index that an earlier agent has given after the second registration.
  const answer = await call(rig.socket, 'GET /v1/health/service/web?index=3&wait=20s');
  expect(answer.json).toHaveLength(1);
  expect(indexOf(answer)).toBe(4);
});

test('the list of services moves when a service or a tag comes or goes, and not with a status', async () => {
  await using rig = await createRig();
  const index = async () => indexOf(await call(rig.socket, 'GET /v1/catalog/services'));
  const moved = async (what: () => unknown) => {
    const before = await index();
    what();
    return (await index()) > before;
  };
  expect(await moved(() => rig.other.put(draftOf()))).toBe(true);
  expect(await moved(() => rig.other.update('web-1', { status: 'critical' }))).toBe(false);
  expect(await moved(() => rig.other.put(draftOf({ id: 'web-2' })))).toBe(false);
  expect(await moved(() => rig.other.update('web-2', { tags: ['new'] }))).toBe(true);
  expect(await moved(() => rig.other.put(draftOf({ id: 'x', namespace: 'blue' })))).toBe(false);
  expect(await moved(() => rig.other.remove(['web-2']))).toBe(true);
  expect(await moved(() => rig.other.remove(['web-1']))).toBe(true);
});

test('a blocking query on the list of services sleeps through many changes of status', async () => {
  await using rig = await createRig({ refreshMs: 3 });
  rig.other.put(draftOf());
  const index = indexOf(await call(rig.socket, 'GET /v1/catalog/services'));
  const waiting = call(rig.socket, `GET /v1/catalog/services?index=${index}&wait=20s`);
  await until('it waits', () => rig.api.watcherCount() === 1);
  for (let weight = 2; weight < 22; weight++) {
    rig.other.update('web-1', { weight });
    rig.view.refresh();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(rig.api.watcherCount()).toBe(1);
  attach(rig.other, 'c1', draftOf({ id: 'c1', serviceName: 'db' }));
  expect((await waiting).json).toEqual({ web: [], db: [] });
  expect(rig.logged.filter((line) => !line.includes('listens'))).toEqual([]);
});
