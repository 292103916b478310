import { Counter } from 'prom-client';
import { expect, test } from 'vitest';
import { attach, call, createRig, draftOf, until } from './rig.ts';

test('health says how much is served', async () => {
  await using rig = await createRig();
  attach(rig.other, 'c1', draftOf());
  const waiting = call(rig.socket, 'GET /v1/watch?since=1&wait=300ms');
  await until('somebody watches', () => rig.api.watcherCount() === 1);
  expect(await call(rig.socket, 'GET /healthz')).toMatchObject({
    status: 200,
    json: { status: 'ok', revision: 1, instances: 1, watchers: 1, problems: [] },
  });
  await waiting;
});

test('an agent with a problem is not healthy, and says which', async () => {
  await using rig = await createRig({ problems: ['DNS: 10.0.0.1:53 is taken'] });
  expect(await call(rig.socket, 'GET /healthz')).toMatchObject({
    status: 503,
    json: { status: 'failing', problems: ['DNS: 10.0.0.1:53 is taken'] },
  });
});

test('a registry that cannot be read makes every answer 503, with a reason, and the log says so', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  rig.sql("UPDATE changes SET record = '{'");
  expect(await call(rig.socket, 'GET /healthz')).toMatchObject({
    status: 503,
    json: { problems: [expect.stringContaining('it is damaged')] },
  });
  expect(await call(rig.socket, 'GET /services')).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    json: { error: { status: 503, message: expect.stringContaining(rig.other.path) } },
  });
  expect(rig.logged.at(-1)).toContain('it is damaged');
});

test('a registry that cannot be written answers 503, and reading goes on', async () => {
  await using rig = await createRig();
  rig.sql("CREATE TRIGGER full BEFORE INSERT ON instances BEGIN SELECT RAISE(ABORT, 'no space'); END");
  const answer = await call(rig.socket, 'POST /services/web', { body: { Host: '10.1.0.2' } });
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect((await call(rig.socket, 'GET /services')).status).toBe(200);
});

test('what nobody foresaw is 500 to the caller, and whole in the log', async () => {
  await using rig = await createRig();
  rig.metrics.registerMetric({
    ...new Counter({ name: 'broken', help: 'x', registers: [] }),
    get: () => Promise.reject(new Error('secret detail')),
  } as unknown as Counter);
  const answer = await call(rig.socket, 'GET /metrics');
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('secret');
  expect(rig.logged.at(-1)).toContain('secret detail');
});

test('metrics are those of the registry that the agent has given, and may be scraped', async () => {
  await using rig = await createRig();
  new Counter({ name: 'fairlead_things_total', help: 'Things.', registers: [rig.metrics] }).inc(3);
  const answer = await call(rig.socket, 'GET /metrics');
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
  expect(answer.text).toContain('fairlead_things_total 3');
});

test('every request is observed by its route and status', async () => {
  await using rig = await createRig();
  await call(rig.socket, 'POST /services/web', { body: { Host: '10.1.0.2' } });
  await call(rig.socket, 'GET /services/db');
  await call(rig.socket, 'GET /nowhere/at/all');
  await call(rig.socket, 'GET /services/%');
  expect(rig.observed).toEqual([
    'POST /v1/services/:name 201',
    'GET /v1/services/:name 404',
    'GET none 404',
    'GET none 400',
  ]);
});
