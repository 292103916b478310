import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { TcpListen } from '../../../lib/api/listener.ts';
import { type Answer, attach, call, createRig, draftOf, fieldOf, type Rig, until } from './rig.ts';

const line = 'POST /v3/discovery:endpoints';

/** As Envoy asks: with the version that it has, and how long it will wait. */
function ask(rig: Rig, names: readonly string[], { version = '', patienceMs = 0 } = {}): Promise<Answer> {
  const headers = { 'x-envoy-expected-rq-timeout-ms': String(patienceMs) };
  const body = { version_info: version, resource_names: names, node: { id: 'edge' } };
  return call(rig.socket, line, { body, headers });
}

type Assignment = {
  readonly cluster_name: string;
  readonly endpoints: readonly {
    readonly lb_endpoints: readonly {
      readonly endpoint: { readonly address: { readonly socket_address: { readonly address: string } } };
    }[];
  }[];
};

/** The addresses of each resource of an answer. */
function addressesOf({ json }: Answer): Readonly<Record<string, readonly string[]>> {
  const { resources } = json as { readonly resources: readonly Assignment[] };
  return Object.fromEntries(
    resources.map(({ cluster_name, endpoints }) => [
      cluster_name,
      endpoints.flatMap(({ lb_endpoints }) =>
        lb_endpoints.map(({ endpoint }) => endpoint.address.socket_address.address),
      ),
    ]),
  );
}

test('an answer has the healthy instances that pick chooses among, and a version', async () => {
  await using rig = await createRig();
  attach(
    rig.other,
    'c1',
    draftOf({ id: 'c1-4', port: 80, portName: 'http' }),
    draftOf({ id: 'c1-6', port: 80, portName: 'http', address: 'fd00::2' }),
    draftOf({ id: 'c1-9', port: 9090, portName: 'metrics' }),
  );
  rig.other.put(draftOf({ id: 'a', address: '10.1.0.3', weight: 5 }));
  rig.other.put(draftOf({ id: 'b', address: '10.1.0.4', status: 'draining' }));
  rig.other.put(draftOf({ id: 'c', address: '10.1.0.5', weight: 0 }));
  const answer = await ask(rig, ['web', 'web:metrics']);
  const version = fieldOf(answer, 'version_info');
  expect(answer).toMatchObject({
    status: 200,
    json: {
      type_url: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
      version_info: expect.stringMatching(/^[0-9a-f]{16}$/),
      nonce: version,
    },
  });
  expect(addressesOf(answer)).toEqual({ web: ['10.1.0.2', '10.1.0.3'], 'web:metrics': ['10.1.0.2'] });
  await call(rig.socket, 'GET /services/web/pick');
  expect(rig.picks[0]?.ids).toEqual(['c1-4', 'a', 'c']);
});

test('a service is found by each of its names, and one that there is not has no endpoints', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ namespace: 'blue', serviceName: 'Web_1' }));
  const names = [
    'web-1.blue',
    'Web_1.blue:80',
    'web-1.blue.svc.fairlead.internal',
    'web-1.*',
    'web-1',
    'db.blue',
  ];
  expect(addressesOf(await ask(rig, names))).toEqual({
    'web-1.blue': ['10.1.0.2'],
    'Web_1.blue:80': ['10.1.0.2'],
    'web-1.blue.svc.fairlead.internal': ['10.1.0.2'],
    'web-1.*': ['10.1.0.2'],
    'web-1': [],
    'db.blue': [],
  });
});

test('a version that still holds is 304 without a body, and only other endpoints make another', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const version = fieldOf(await ask(rig, ['web']), 'version_info');
  expect(await ask(rig, ['web'], { version })).toMatchObject({ status: 304, text: '' });
  rig.other.update('web-1', { meta: { team: 'x' }, tags: ['y'] });
  rig.other.put(draftOf({ id: 'other', serviceName: 'db' }));
  expect((await ask(rig, ['web'], { version })).status).toBe(304);
  rig.other.update('web-1', { weight: 7 });
  const changed = await ask(rig, ['web'], { version });
  expect(changed.status).toBe(200);
  expect(fieldOf(changed, 'version_info')).not.toBe(version);
});

test.each([['web'], ['web', 'db']])(
  'the answer waits for a change of %j, as long as Envoy does',
  async (...names) => {
    await using rig = await createRig({ refreshMs: 5 });
    rig.other.put(draftOf());
    const version = fieldOf(await ask(rig, names), 'version_info');
    const asked = ask(rig, names, { version, patienceMs: 20_000 });
    await until('it waits', () => rig.api.watcherCount() === 1);
    rig.other.update('web-1', { meta: { team: 'x' } });
    await sleep(50);
    expect(rig.api.watcherCount()).toBe(1);
    rig.other.update('web-1', { status: 'critical' });
    expect(addressesOf(await asked)).toMatchObject({ web: [] });
  },
);

test('where nothing changes 304 comes before Envoy’s patience ends', async () => {
  await using rig = await createRig();
  const version = fieldOf(await ask(rig, ['web']), 'version_info');
  const begin = performance.now();
  expect((await ask(rig, ['web'], { version, patienceMs: 500 })).status).toBe(304);
  const tookMs = performance.now() - begin;
  expect(tookMs).toBeGreaterThanOrEqual(390);
  expect(tookMs).toBeLessThan(500);
});

test.each(['', 'soon', '-1', '1e9', '99999999999'])('a patience of %j is none', async (patience) => {
  await using rig = await createRig();
  const version = fieldOf(await ask(rig, ['web']), 'version_info');
  const body = { version_info: version, resource_names: ['web'] };
  const headers = { 'x-envoy-expected-rq-timeout-ms': patience };
  expect((await call(rig.socket, line, { body, headers })).status).toBe(304);
});

test('who finds no place to wait is answered at once, and so are those who wait when the API ends', async () => {
  const rig = await createRig({ limits: { watchers: 1 } });
  const version = fieldOf(await ask(rig, ['web']), 'version_info');
  const waiting = ask(rig, ['web'], { version, patienceMs: 20_000 });
  await until('it waits', () => rig.api.watcherCount() === 1);
  expect((await ask(rig, ['web'], { version, patienceMs: 20_000 })).status).toBe(304);
  await rig[Symbol.asyncDispose]();
  expect((await waiting).status).toBe(304);
});

test('a token sees its namespaces only', async () => {
  const tokens = [
    { name: 'blue', token: 'blue-token-123456', access: 'read', namespaces: ['blue'] },
  ] as const;
  const tcp: TcpListen = { kind: 'tcp', address: '127.0.0.1', port: 0, tokens };
  await using rig = await createRig({ listen: [tcp] });
  rig.other.put(draftOf({ namespace: 'blue' }));
  rig.other.put(draftOf({ id: 'web-2', address: '10.9.0.9' }));
  const url = rig.api.addresses[0] ?? '';
  const headers = { Authorization: 'Bearer blue-token-123456' };
  const askFor = (name: string) => call(url, line, { headers, body: { resource_names: [name] } });
  expect(addressesOf(await askFor('web'))).toEqual({ web: ['10.1.0.2'] });
  expect(addressesOf(await askFor('web.*'))).toEqual({ 'web.*': ['10.1.0.2'] });
  expect(await askFor('web.default')).toMatchObject({
    status: 403,
    json: { error: { message: 'the token blue does not open the namespace default', hint: 'it opens blue' } },
  });
  expect((await call(url, line, { body: { resource_names: ['web'] } })).status).toBe(401);
});

test('the log is told once what Envoy has not taken', async () => {
  await using rig = await createRig();
  const refused = { code: 3, message: 'bad \u202e address' };
  const body = { version_info: '1', resource_names: ['web'], node: { id: 'edge' }, error_detail: refused };
  for (let times = 0; times < 3; times++) expect((await call(rig.socket, line, { body })).status).toBe(200);
  const told = rig.logged.filter((text) => text.includes('Envoy has not taken'));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/node=edge resources=web why="bad .*address" keeps=1/);
});

test('a request as large as Envoy’s, which lists its extensions, is taken', async () => {
  await using rig = await createRig();
  const extensions = Array.from({ length: 1_000 }, (_, at) => ({
    name: `extension-${at}`,
    category: 'x'.repeat(100),
  }));
  const body = { resource_names: ['web'], node: { id: 'edge', extensions } };
  expect((await call(rig.socket, line, { body })).status).toBe(200);
  const larger = { ...body, node: { metadata: { text: 'x'.repeat(1_100_000) } } };
  expect((await call(rig.socket, line, { body: larger })).status).toBe(413);
});

test.each([
  [undefined, 'the body is missing'],
  ['[]', 'the body is not a JSON object'],
  ['{', 'the body is not JSON'],
  [{ resource_names: [] }, 'resource_names: expected a list of 1 to 128 names of services'],
  [{ resource_names: ['web.blue.svc.cluster.local'] }, 'resource_names: expected service, service.namespace'],
  [{ resource_names: ['we b'] }, 'has a character that no name may have'],
  [
    { resource_names: ['web'], type_url: 'x' },
    'type_url: expected type.googleapis.com/envoy.config.endpoint.v3',
  ],
])('%j is 400 and says why', async (body, message) => {
  await using rig = await createRig();
  const answer = await call(rig.socket, line, { body });
  expect(answer).toMatchObject({
    status: 400,
    json: { error: { message: expect.stringContaining(message) } },
  });
});
