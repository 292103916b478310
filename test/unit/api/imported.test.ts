import { expect, test } from 'vitest';
import { Imports } from '../../../lib/registry/imports.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { containerOwner, instanceOf } from '../../support/registry.ts';
import { attach, call, createRig, draftOf, fieldOf, until } from './rig.ts';

const firstRevision = 1_000_000;

/** What the host `far` has beside the one that is asked. */
function createImports(...instances: readonly Instance[]): Imports {
  const imports = new Imports({ node: 'own', firstRevision });
  imports.replace('etcd', instances);
  return imports;
}

const foreign = (said: Partial<Instance> = {}) =>
  instanceOf({ id: 'far-1', address: '10.2.0.2', owner: { kind: 'api', node: 'far' }, ...said });

const put = (imports: Imports, instance: Instance) => imports.apply('etcd', [{ kind: 'put', instance }]);

test('instances of other hosts are listed and picked with those of this one, whose owners stand beside them', async () => {
  await using rig = await createRig({ imports: createImports(foreign()) });
  rig.other.put(draftOf({ id: 'near-1' }));

  const listed = await call(rig.socket, 'GET /v1/services/web');
  const picked = await call(rig.socket, 'GET /v1/services/web/pick?except=near-1');

  expect(listed.json).toMatchObject({
    instances: [{ id: 'near-1' }, { id: 'far-1', owner: { node: 'far' } }],
  });
  expect(fieldOf(picked, 'id')).toBe('far-1');
});

test.each([
  ['PUT', '', { Status: 'draining' }],
  ['DELETE', '', undefined],
  ['DELETE', '?force=1', undefined],
  ['PUT', '/heartbeat', {}],
])(
  '%s%s of an instance of another host is refused with the name of that host',
  async (method, rest, body) => {
    const owner = containerOwner({ node: 'far' });
    await using rig = await createRig({ imports: createImports(foreign({ owner })) });
    const target = `/v1/services/web/far-1${rest.startsWith('/') ? rest : ''}${rest.startsWith('?') ? rest : ''}`;

    const refused = await call(rig.socket, `${method} ${target}`, body === undefined ? {} : { body });

    expect(refused).toMatchObject({
      status: 409,
      json: {
        error: { message: 'far-1 belongs to another host, far', hint: expect.stringContaining('node-id') },
      },
    });
    expect(rig.beats).toEqual([]);
  },
);

test('how a request to another host’s instance went may be reported', async () => {
  await using rig = await createRig({ imports: createImports(foreign()) });

  expect(
    (await call(rig.socket, 'POST /v1/services/web/far-1/report', { body: { Failed: true } })).status,
  ).toBe(204);
});

test('an id that another host has may be registered here, and is this host’s own then', async () => {
  await using rig = await createRig({ imports: createImports(foreign({ status: 'draining' })) });
  const body = { Id: 'far-1', Host: '10.1.0.9' };

  const made = await call(rig.socket, 'POST /v1/services/web', { body });
  const again = await call(rig.socket, 'POST /v1/services/web', { body });

  expect([made.status, again.status]).toEqual([201, 200]);
  expect(again.json).toMatchObject({ host: '10.1.0.9', status: 'passing' });
  expect((await call(rig.socket, 'GET /v1/services/web')).json).toMatchObject({
    instances: [{ id: 'far-1', host: '10.1.0.9' }],
  });
});

test('a watch is told of what other hosts do, and goes on where it was', async () => {
  const imports = createImports();
  await using rig = await createRig({ imports, refreshMs: 5 });
  const { revision } = rig.view;
  const waiting = call(rig.socket, `GET /v1/watch?since=${revision}&wait=20s`);
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  put(imports, foreign());
  const first = await waiting;
  rig.other.put(draftOf({ id: 'near-1' }));
  put(imports, foreign({ weight: 9 }));
  await until('both are followed', () => rig.view.revision === revision + 3);

  const next = await call(rig.socket, `GET /v1/watch?since=${fieldOf(first, 'revision')}`);

  expect(first.json).toMatchObject({ changes: [{ kind: 'put', instance: { id: 'far-1' } }] });
  expect(next.json).toMatchObject({
    revision: revision + 3,
    changes: [{ instance: { id: 'near-1' } }, { instance: { id: 'far-1', weight: 9 } }],
  });
});

test('a watch from before the start begins anew: what other hosts did meanwhile is not known', async () => {
  const prepare = (store: Parameters<typeof attach>[0]) => {
    for (const id of ['c1', 'c2', 'c3'])
      attach(store, id, draftOf({ id: `${id}-1`, address: `10.1.0.${id[1]}` }));
  };
  await using rig = await createRig({ imports: createImports(foreign()), prepare });

  const ofStore = await call(rig.socket, `GET /v1/watch?since=${rig.view.storeRevision - 1}`);
  const ofView = await call(rig.socket, `GET /v1/watch?since=${rig.view.revision - 1}`);
  const fromLater = await call(rig.socket, `GET /v1/watch?since=${rig.view.revision + 1}`);

  expect([ofStore.status, ofView.status, fromLater.status]).toEqual([410, 410, 410]);
});

test('Consul’s index of a service grows when another host changes it, and of others stays', async () => {
  const imports = createImports(foreign(), foreign({ id: 'far-2', service: 'db' }));
  await using rig = await createRig({ imports });
  const indexOf = async (service: string) =>
    Number((await call(rig.socket, `GET /v1/health/service/${service}`)).headers['x-consul-index']);
  const before = [await indexOf('web'), await indexOf('db')];
  put(imports, foreign({ weight: 9 }));

  const after = [await indexOf('web'), await indexOf('db')];

  expect(after).toEqual([(before[0] ?? 0) + 1, before[1]]);
});

test('health tells whether this host’s registry is shown as it is, whatever others have', async () => {
  await using rig = await createRig({ imports: createImports(foreign()) });
  rig.other.put(draftOf({ id: 'near-1' }));

  expect(await call(rig.socket, 'GET /healthz')).toMatchObject({
    status: 200,
    json: { status: 'ok', instances: 2, problems: [] },
  });
});
