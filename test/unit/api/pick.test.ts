import { expect, test } from 'vitest';
import { attach, call, createRig, draftOf, fieldOf } from './rig.ts';

test('a container with two addresses and ports is one candidate', async () => {
  await using rig = await createRig();
  attach(
    rig.other,
    'c1',
    draftOf({ id: 'c1-4', port: 80, portName: 'http' }),
    draftOf({ id: 'c1-6', port: 80, portName: 'http', address: 'fd00::2' }),
    draftOf({ id: 'c1-9', port: 9090, portName: 'metrics' }),
  );
  attach(rig.other, 'c2', draftOf({ id: 'c2-4', address: '10.1.0.3' }));
  rig.other.put(draftOf({ id: 'outside', address: '10.9.0.1' }));
  const idsOf = async (query: string) => {
    await call(rig.socket, `GET /services/web/pick${query}`);
    return rig.picks.at(-1)?.ids;
  };
  expect(await idsOf('')).toEqual(['c1-4', 'c2-4', 'outside']);
  expect(await idsOf('?port=metrics')).toEqual(['c1-9']);
  expect(await idsOf('?port=9090')).toEqual(['c1-9']);
  expect(await idsOf('?family=6')).toEqual(['c1-6']);
});

test('only healthy instances with all tags are candidates', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'a', tags: ['x', 'y'] }));
  rig.other.put(draftOf({ id: 'b', tags: ['x'] }));
  for (const status of ['critical', 'draining', 'maintenance'] as const) {
    rig.other.put(draftOf({ id: status, status, tags: ['x', 'y'] }));
  }
  const picked = await call(rig.socket, 'GET /services/web/pick?tag=x&tag=y');
  expect(picked).toMatchObject({ status: 200, json: { id: 'a', host: '10.1.0.2', port: 80 } });
  await call(rig.socket, 'GET /services/web/pick?tag=x');
  expect(rig.picks.map(({ ids }) => ids)).toEqual([['a'], ['a', 'b']]);
});

test('how to pick is passed on, and round robin is the default', async () => {
  await using rig = await createRig();
  for (const id of ['a', 'b', 'c']) rig.other.put(draftOf({ id }));
  await call(rig.socket, 'GET /services/web/pick?strategy=sticky&key=user%201&except=a,b&caller=me');
  expect(rig.picks[0]?.how).toEqual({
    strategy: 'sticky',
    key: 'user 1',
    caller: 'me',
    except: new Set(['a', 'b']),
  });
  const ids = [];
  for (let turn = 0; turn < 6; turn++)
    ids.push(fieldOf(await call(rig.socket, 'GET /services/web/pick'), 'id'));
  expect(new Set(ids.slice(0, 3))).toEqual(new Set(['a', 'b', 'c']));
  expect(ids.slice(3)).toEqual(ids.slice(0, 3));
});

test('a strategy that there is not is refused with a list of those there are', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  expect(await call(rig.socket, 'GET /services/web/pick?strategy=best')).toMatchObject({
    status: 400,
    json: { error: { message: expect.stringMatching(/^strategy: .*round-robin.*"best"/) } },
  });
});

test('nothing healthy is 503 and says when to ask again; no service is 404', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ status: 'critical' }));
  const none = await call(rig.socket, 'GET /services/web/pick');
  expect(none).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(none.text).toContain('none of the 1 that fit');
  const unfit = await call(rig.socket, 'GET /services/web/pick?port=1234');
  expect(unfit.text).toContain('no instance of it fits');
  expect((await call(rig.socket, 'GET /services/db/pick')).status).toBe(404);
});

test('what is changed is picked by at once', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf({ id: 'a' }));
  expect(fieldOf(await call(rig.socket, 'GET /services/web/pick'), 'id')).toBe('a');
  rig.other.update('a', { status: 'draining' });
  expect((await call(rig.socket, 'GET /services/web/pick')).status).toBe(503);
});

test('a report is passed on', async () => {
  await using rig = await createRig();
  rig.other.put(draftOf());
  const body = { LatencyMs: 12, Failed: true, Finished: true };
  expect((await call(rig.socket, 'POST /services/web/web-1/report', { body })).status).toBe(204);
  expect((await call(rig.socket, 'POST /services/web/web-1/report', { body: {} })).status).toBe(204);
  expect(rig.reports).toEqual([
    { id: 'web-1', latencyMs: 12, failed: true, finished: true },
    { id: 'web-1', failed: false },
  ]);
  expect((await call(rig.socket, 'POST /services/web/web-2/report', { body })).status).toBe(404);
  expect((await call(rig.socket, 'POST /services/web/web-1/report')).status).toBe(400);
});
