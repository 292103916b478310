import { expect, test } from 'vitest';
import { attach, call, createRig, draftOf, fieldOf } from './rig.ts';

const web = { Host: '10.1.0.2', Port: 80, Endpoint: '/api' };

test('a registered instance is answered with its id and place, and is there at once', async () => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: web });
  expect(made.status).toBe(201);
  const id = fieldOf(made, 'id');
  expect(made.headers.location).toBe(`/v1/services/web/${id}`);
  expect(made.json).toMatchObject({
    id,
    namespace: 'default',
    host: '10.1.0.2',
    family: 4,
    port: 80,
    protocol: 'tcp',
    weight: 1,
    endpoint: '/api',
    status: 'passing',
    owner: { kind: 'api' },
  });
  expect((await call(rig.socket, `GET ${made.headers.location}`)).json).toEqual(made.json);
  expect(rig.other.get(id)?.serviceName).toBe('web');
});

test('every field of a registration is kept, whatever the case of its name, and can be read and sent again', async () => {
  await using rig = await createRig();
  const body = {
    host: 'FD00::0:2',
    PORT: 5353,
    endpoint: 'https://web.example/x',
    namespace: 'Blue',
    portname: 'dns',
    protocol: 'UDP',
    weight: 7,
    tags: ['a', 'b', 'a'],
    meta: { zone: 'x' },
    check: { ttl: '10s', fall: 2 },
    id: 'my-web',
    unknown: { field: true },
  };
  const made = await call(rig.socket, 'POST /v1/services/web', { body });
  expect(made.status).toBe(201);
  expect(made.json).toMatchObject({
    id: 'my-web',
    namespace: 'blue',
    host: 'fd00::2',
    family: 6,
    port: 5353,
    portName: 'dns',
    protocol: 'udp',
    weight: 7,
    tags: ['a', 'b'],
    meta: { zone: 'x' },
    check: { ttl: '10000ms', fall: 2, initialStatus: 'passing' },
  });
  const again = await call(rig.socket, 'POST /v1/services/web', { body: made.json });
  expect(again.status).toBe(200);
  expect({ ...(again.json as object), revision: 0 }).toEqual({ ...(made.json as object), revision: 0 });
});

test.each([
  { http: '/health', port: 8080, interval: '1500ms' },
  { https: '/', verify: true },
  { tcp: true },
  { grpc: 'my.Service', deregisterAfter: '1m' },
])('a check is shown as it is given: %j', async (check) => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: { ...web, Check: check } });
  const again = await call(rig.socket, 'POST /services/web', { body: made.json });
  const { check: shown } = made.json as { check: object };
  expect({ ...shown, interval: '', deregisterAfter: '' }).toMatchObject({
    ...check,
    interval: '',
    deregisterAfter: '',
  });
  expect(again.json).toMatchObject({ check: shown });
});

test('the same service, namespace, address and port have the same id, others have another', async () => {
  await using rig = await createRig();
  const idOf = async (line: string, body: object) => fieldOf(await call(rig.socket, line, { body }), 'id');
  const first = await idOf('POST /services/web', web);
  expect(await idOf('POST /v1/services/web', { ...web, Weight: 9 })).toBe(first);
  const others = [
    await idOf('POST /services/web', { ...web, Port: 81 }),
    await idOf('POST /services/web', { ...web, Host: '10.1.0.3' }),
    await idOf('POST /services/web2', web),
    await idOf('POST /services/web?namespace=blue', web),
    await idOf('POST /services/web', { ...web, Protocol: 'udp' }),
  ];
  expect(new Set([first, ...others]).size).toBe(6);
});

test('registering the same again wakes nobody, and leaving the check out takes it away', async () => {
  await using rig = await createRig();
  const body = { ...web, Tags: ['a'], Meta: { k: 'v' }, Check: { ttl: '10s' } };
  const made = await call(rig.socket, 'POST /services/web', { body });
  const again = await call(rig.socket, 'POST /services/web', { body });
  expect(again).toMatchObject({ status: 200, json: made.json });
  expect(rig.other.revision()).toBe(1);
  const { Check: _, ...unchecked } = body;
  const changed = await call(rig.socket, 'POST /services/web', { body: unchecked });
  expect(changed.json).not.toHaveProperty('check');
  expect(rig.other.revision()).toBe(2);
});

test('registering again keeps a maintenance, unless a status is sent along', async () => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: web });
  const path = `/services/web/${fieldOf(made, 'id')}`;
  await call(rig.socket, `PUT ${path}`, { body: { Status: 'maintenance' } });
  expect(await call(rig.socket, 'POST /services/web', { body: web })).toMatchObject({
    status: 200,
    json: { status: 'maintenance' },
  });
  const ended = await call(rig.socket, 'POST /services/web', { body: { ...web, Status: 'passing' } });
  expect(ended.json).toMatchObject({ status: 'passing' });
});

test('an id of another service, or of a container, is not taken over', async () => {
  await using rig = await createRig();
  attach(rig.other, 'c1', draftOf({ id: 'c1-1' }));
  await call(rig.socket, 'POST /services/web', { body: { ...web, Id: 'mine' } });
  for (const [line, id] of [
    ['POST /services/db', 'mine'],
    ['POST /services/web?namespace=blue', 'mine'],
    ['POST /services/web', 'c1-1'],
  ] as const) {
    const answer = await call(rig.socket, line, { body: { ...web, Id: id } });
    expect(answer).toMatchObject({ status: 409, json: { error: { message: expect.stringContaining(id) } } });
  }
  expect(rig.other.get('c1-1')?.owner.kind).toBe('container');
});

test('a change changes what it names and nothing else', async () => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: { ...web, Tags: ['a'] } });
  const path = `/services/web/${fieldOf(made, 'id')}`;
  const changed = await call(rig.socket, `PUT ${path}`, { body: { weight: 5, Meta: { k: 'v' } } });
  expect(changed.status).toBe(200);
  const { revision: _, ...before } = made.json as { revision: number };
  expect(changed.json).toMatchObject({ ...before, weight: 5, meta: { k: 'v' } });
  expect((await call(rig.socket, `GET ${path}`)).json).toEqual(changed.json);
});

test('a change that changes nothing makes no revision, and an empty one is refused', async () => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: web });
  const path = `/services/web/${fieldOf(made, 'id')}`;
  const same = await call(rig.socket, `PUT ${path}`, { body: { Weight: 1, Status: 'passing' } });
  expect(same.json).toEqual(made.json);
  expect((await call(rig.socket, `PUT ${path}`, { body: { Colour: 'red' } })).status).toBe(400);
});

test('a container’s instance can be drained, and is withdrawn only with force', async () => {
  await using rig = await createRig();
  attach(rig.other, 'c1', draftOf({ id: 'c1-1' }));
  const drained = await call(rig.socket, 'PUT /services/web/c1-1', { body: { Status: 'draining' } });
  expect(drained.json).toMatchObject({
    status: 'draining',
    owner: { kind: 'container', network: 'net', containerId: 'c1', interface: 'eth0' },
  });
  const refused = await call(rig.socket, 'DELETE /services/web/c1-1');
  expect(refused).toMatchObject({
    status: 409,
    json: { error: { message: expect.stringContaining('c1'), hint: expect.stringContaining('force=1') } },
  });
  expect((await call(rig.socket, 'DELETE /services/web/c1-1?force=1')).status).toBe(204);
  expect(rig.other.instances()).toEqual([]);
});

test('a withdrawn instance is gone, and withdrawing it again is 404', async () => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: web });
  const path = `/services/web/${fieldOf(made, 'id')}`;
  expect(await call(rig.socket, `DELETE ${path}`)).toMatchObject({ status: 204, text: '' });
  expect(await call(rig.socket, `DELETE ${path}`)).toMatchObject({
    status: 404,
    json: { error: { status: 404, hint: expect.any(String) } },
  });
  expect((await call(rig.socket, 'GET /services/web')).status).toBe(404);
});

test('an instance is not found under another service or namespace', async () => {
  await using rig = await createRig();
  const made = await call(rig.socket, 'POST /services/web', { body: web });
  const id = fieldOf(made, 'id');
  expect((await call(rig.socket, `GET /services/db/${id}`)).status).toBe(404);
  expect((await call(rig.socket, `GET /services/web/${id}?namespace=blue`)).status).toBe(404);
  expect((await call(rig.socket, `GET /services/web/${id}?namespace=default`)).status).toBe(200);
});

test('services are listed by namespace with what is in them', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'a', serviceName: 'web', tags: ['x'] }));
  rig.other.put(draftOf({ id: 'b', serviceName: 'web', status: 'critical', tags: ['w'] }));
  rig.other.put(draftOf({ id: 'c', serviceName: 'Data_Base' }));
  rig.other.put(draftOf({ id: 'd', serviceName: 'web', namespace: 'blue' }));
  expect((await call(rig.socket, 'GET /services')).json).toEqual({
    revision: 4,
    services: [
      { namespace: 'default', service: 'data-base', name: 'Data_Base', instances: 1, passing: 1, tags: [] },
      { namespace: 'default', service: 'web', name: 'web', instances: 2, passing: 1, tags: ['w', 'x'] },
    ],
  });
  const all = await call(rig.socket, 'GET /v1/services?namespace=*');
  expect(all.json).toMatchObject({ services: [{ namespace: 'blue' }, {}, {}] });
  expect((await call(rig.socket, 'GET /v1/services?namespace=none')).json).toMatchObject({ services: [] });
});

test('a service is listed by status and tags, and under every spelling of its name', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'a', serviceName: 'My_Web', tags: ['x', 'y'] }));
  rig.other.put(draftOf({ id: 'b', serviceName: 'My_Web', tags: ['x'], status: 'draining' }));
  rig.other.put(draftOf({ id: 'c', serviceName: 'my-web', namespace: 'blue' }));
  const ids = async (line: string) => {
    const { instances } = (await call(rig.socket, line)).json as { instances: { id: string }[] };
    return instances.map(({ id }) => id);
  };
  expect(await ids('GET /services/My_Web')).toEqual(['a', 'b']);
  expect(await ids('GET /services/my-web')).toEqual(['a', 'b']);
  expect(await ids('GET /services/my-web?status=passing')).toEqual(['a']);
  expect(await ids('GET /services/my-web?tag=x&tag=y')).toEqual(['a']);
  expect(await ids('GET /services/my-web?tag=z')).toEqual([]);
  expect(await ids('GET /services/my-web?namespace=*')).toEqual(['a', 'b', 'c']);
});

test('two services whose names fold to one label are told apart', async () => {
  await using rig = await createRig();
  await call(rig.socket, 'POST /services/a-b', { body: { ...web, Id: 'first' } });
  await call(rig.socket, 'POST /services/a_b', { body: { ...web, Id: 'second' } });
  expect((await call(rig.socket, 'GET /services/a-b')).json).toMatchObject({ instances: [{ id: 'first' }] });
  expect((await call(rig.socket, 'GET /services/a_b')).json).toMatchObject({ instances: [{ id: 'second' }] });
  expect((await call(rig.socket, 'GET /services/a_b/second')).status).toBe(200);
});

test('an answer is never older than the last commit of another process', async () => {
  await using rig = await createRig();
  expect((await call(rig.socket, 'GET /services/web')).status).toBe(404);
  attach(rig.other, 'c1', draftOf({ id: 'c1-1' }));
  expect((await call(rig.socket, 'GET /services/web')).json).toMatchObject({ instances: [{ id: 'c1-1' }] });
});

test('a heartbeat is handed to the health checks and says what became of it', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const beat = (body?: object) =>
    call(rig.socket, 'PUT /services/web/web-1/heartbeat', body === undefined ? {} : { body });
  expect((await beat()).status).toBe(204);
  expect((await beat({ Status: 'critical' })).status).toBe(204);
  expect((await beat({ Status: 'draining' })).status).toBe(400);
  expect(rig.beats).toEqual(['web-1 passing', 'web-1 critical']);
  expect((await call(rig.socket, 'PUT /services/web/web-2/heartbeat')).status).toBe(404);
});

test.each([
  ['no-ttl', 409],
  ['unknown', 404],
] as const)('a heartbeat that does not count (%s) is %i', async (heartbeat, status) => {
  await using rig = await createRig({ heartbeat });
  rig.other.put(draftOf());
  const answer = await call(rig.socket, 'PUT /services/web/web-1/heartbeat');
  expect(answer).toMatchObject({ status, json: { error: { hint: expect.any(String) } } });
});
