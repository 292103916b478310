import { expect, test } from 'vitest';
import { type Answer, attach, call, createRig, draftOf, fieldOf, until } from './rig.ts';

type Change = { revision: number; kind: string; instance: { id: string; status: string } };

function changesOf({ json }: Answer): readonly Change[] {
  return (json as { changes: readonly Change[] }).changes;
}

test('a watch without a revision is answered at once with all there is', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'a' }));
  rig.other.put(draftOf({ id: 'b', serviceName: 'db' }));
  rig.other.put(draftOf({ id: 'c', namespace: 'blue' }));
  const line = 'GET /v1/watch?wait=20s';
  expect((await call(rig.socket, line)).json).toMatchObject({
    revision: 3,
    instances: [{ id: 'a' }, { id: 'b' }],
  });
  expect((await call(rig.socket, `${line}&service=db`)).json).toMatchObject({ instances: [{ id: 'b' }] });
  expect((await call(rig.socket, `${line}&namespace=*`)).json).toMatchObject({
    instances: [{}, {}, { id: 'c' }],
  });
});

test('a watch that waits is answered with the next change', async () => {
  await using rig = await createRig({ refreshMs: 5 });
  rig.other.put(draftOf({ id: 'a' }));
  const waiting = call(rig.socket, 'GET /watch?since=1&wait=20s');
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  rig.other.update('a', { status: 'draining' });
  const answer = await waiting;
  expect(answer).toMatchObject({ status: 200, json: { revision: 2 } });
  expect(changesOf(answer)).toMatchObject([
    { revision: 2, kind: 'put', instance: { id: 'a', status: 'draining' } },
  ]);
  expect(rig.api.watcherCount()).toBe(0);
});

test('a watch is told of a write over the API without waiting for a refresh', async () => {
  await using rig = await createRig();
  const waiting = call(rig.socket, 'GET /v1/watch?since=0&wait=20s');
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  await call(rig.socket, 'POST /services/web', { body: { Host: '10.1.0.2' } });
  expect(changesOf(await waiting)).toHaveLength(1);
});

test('what was missed is answered at once and in order, from before the agent’s start, too', async () => {
  await using rig = await createRig({
    prepare: (store) => {
      store.put(draftOf({ id: 'a' }));
      store.put(draftOf({ id: 'b' }));
    },
  });
  rig.other.remove(['a']);
  rig.other.put(draftOf({ id: 'c' }));
  const kinds = async (since: number) =>
    changesOf(await call(rig.socket, `GET /v1/watch?since=${since}`)).map(
      ({ revision, kind, instance }) => `${revision} ${kind} ${instance.id}`,
    );
  const all = ['1 put a', '2 put b', '3 remove a', '4 put c'];
  for (const since of [0, 1, 2, 3]) expect(await kinds(since)).toEqual(all.slice(since));
});

test('what does not belong to the service or namespace that is watched wakes nobody', async () => {
  await using rig = await createRig({ refreshMs: 5 });
  const waiting = call(rig.socket, 'GET /v1/watch?since=0&wait=20s&service=web&namespace=blue');
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  rig.other.put(draftOf({ id: 'a' }));
  rig.other.put(draftOf({ id: 'b', namespace: 'blue', serviceName: 'db' }));
  await until('the view follows', () => rig.view.revision === 2);
  expect(rig.api.watcherCount()).toBe(1);
  rig.other.put(draftOf({ id: 'c', namespace: 'blue' }));
  const answer = await waiting;
  expect(answer.json).toMatchObject({ revision: 3 });
  expect(changesOf(answer).map(({ instance }) => instance.id)).toEqual(['c']);
});

test('a watch in which nothing changes ends with the present revision', async () => {
  await using rig = await createRig({ refreshMs: 5 });
  const startMs = performance.now();
  const waiting = call(rig.socket, 'GET /v1/watch?since=0&wait=200ms&service=web');
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  rig.other.put(draftOf({ serviceName: 'db' }));
  expect((await waiting).json).toEqual({ revision: 1, changes: [] });
  expect(performance.now() - startMs).toBeGreaterThan(190);
});

test('a revision that is too long ago, or that never was, is 410 with the present one', async () => {
  await using rig = await createRig({
    prepare: (store, sql) => {
      store.put(draftOf({ id: 'a' }));
      store.put(draftOf({ id: 'b' }));
      sql('DELETE FROM changes');
    },
  });
  const gone = { status: 410, json: { revision: 2, error: { status: 410, hint: expect.any(String) } } };
  expect(await call(rig.socket, 'GET /v1/watch?since=1')).toMatchObject(gone);
  expect(await call(rig.socket, 'GET /v1/watch?since=7')).toMatchObject(gone);
  expect((await call(rig.socket, 'GET /v1/watch')).json).toMatchObject({ revision: 2, instances: [{}, {}] });
});

test('a watcher that goes away is forgotten', async () => {
  await using rig = await createRig();
  const aborted = new AbortController();
  const waiting = fetchAborted(rig.socket, '/v1/watch?since=0', aborted.signal);
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  aborted.abort();
  await waiting;
  await until('nobody watches', () => rig.api.watcherCount() === 0);
});

test('more watchers than are allowed are sent away', async () => {
  await using rig = await createRig({ limits: { watchers: 1 } });
  const waiting = call(rig.socket, 'GET /v1/watch?since=0&wait=20s');
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  const refused = await call(rig.socket, 'GET /v1/watch?since=0');
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  rig.other.put(draftOf());
  await call(rig.socket, 'GET /services');
  expect((await waiting).status).toBe(200);
});

test('watches end at once when the API ends', async () => {
  const rig = await createRig({ limits: { eventPauseMs: 1 } });
  const waiting = [
    call(rig.socket, 'GET /v1/watch?since=0'),
    call(rig.socket, 'GET /v1/catalog/services?index=1'),
    call(rig.socket, 'GET /v1/watch', { headers: { Accept: 'text/event-stream' } }),
  ];
  await until('three watch', () => rig.api.watcherCount() === 3);
  const startMs = performance.now();
  await rig[Symbol.asyncDispose]();
  const [poll, blocking, events] = await Promise.all(waiting);
  expect(performance.now() - startMs).toBeLessThan(200);
  expect(poll?.json).toEqual({ revision: 0, changes: [] });
  expect(blocking?.json).toEqual({});
  expect(events?.text).toContain('event: snapshot');
});

test('a client that follows by its revision misses nothing while others write', async () => {
  await using rig = await createRig({ refreshMs: 3 });
  const seen: string[] = [];
  const writing = (async () => {
    for (let turn = 0; turn < 60; turn++) {
      if (turn % 3 === 0) attach(rig.other, `c${turn}`, draftOf({ id: `c${turn}` }));
      else rig.other.put(draftOf({ id: `i${turn}`, serviceName: turn % 2 === 0 ? 'web' : 'db' }));
      if (turn % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 4));
    }
  })();
  let since = 0;
  while (since < 60) {
    const answer = await call(rig.socket, `GET /v1/watch?since=${since}&wait=5s`);
    seen.push(...changesOf(answer).map(({ revision, instance }) => `${revision} ${instance.id}`));
    since = Number(fieldOf(answer, 'revision'));
  }
  await writing;
  const written = (rig.other.changesSince(0) ?? []).map(
    ({ revision, instance }) => `${revision} ${instance.id}`,
  );
  expect(seen).toEqual(written);
});

async function fetchAborted(socketPath: string, path: string, signal: AbortSignal): Promise<void> {
  const { request } = await import('node:http');
  const { promise, resolve } = Promise.withResolvers<void>();
  request({ socketPath, path, signal })
    .once('error', () => resolve())
    .end();
  return promise;
}
