import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { toHashedLabel } from '../../lib/registry/label.ts';
import { requireConsul } from '../support/consul.ts';
import { emptyConsul, healthyAddresses, openConsul } from '../support/consul-mirror.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { must } from '../support/process.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const noEnd = new AbortController().signal;
const isSoak = process.env.SOAK === '1';
const stack = new AsyncDisposableStack();
let started: Promise<ConsulServer> | undefined;

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });
beforeEach(requireConsul);
afterEach(async () => {
  if (started !== undefined) await emptyConsul(await started);
});
afterAll(() => stack.disposeAsync());

async function consul() {
  const { path: dir } = stack.use(temporaryDirectory());
  started ??= ConsulServer.start({ place: { address: '127.0.0.1' }, dir, store: 'memory' }).then((server) =>
    stack.use(server),
  );
  const server = await started;
  return { server, endpoints: server.endpoints };
}

const web = instanceOf({ id: 'web-1' });
const addresses = (count: number) =>
  Array.from({ length: count }, (_, at) => `10.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`);

describe('health in Consul', () => {
  test('an entry put again, changed or not, is never out of the healthy answers', async () => {
    const { server, endpoints } = await consul();
    await using mirror = openConsul({ endpoints });
    await mirror.put(mirror.render(web), noEnd);
    const seen: number[] = [];
    const end = new AbortController();
    const watching = (async () => {
      for await (const found of mirror.watch('web', end.signal)) seen.push(found.length);
    })();

    for (let round = 0; round < 20; round++) {
      await mirror.put(mirror.render({ ...web, tags: [`t${round >> 1}`] }), noEnd);
      seen.push((await healthyAddresses(server, 'web')).length);
    }
    end.abort();
    await watching;

    expect(new Set(seen)).toEqual(new Set([1]));
  });

  test('the entries of a host that is silent leave the healthy answers in its time, and return with it', async () => {
    const { server, endpoints } = await consul();
    await using mirror = openConsul({ endpoints, ttl: '3s' });
    await mirror.put([...mirror.render(web), ...mirror.render({ ...web, id: 'web-2' })], noEnd);
    const silentSince = performance.now();
    await expect.poll(() => healthyAddresses(server, 'web'), { timeout: 10_000, interval: 20 }).toEqual([]);
    const goneMs = performance.now() - silentSince;

    const end = new AbortController();
    const beatingSince = performance.now();
    const running = mirror.run(() => undefined, end.signal);
    await expect
      .poll(() => healthyAddresses(server, 'web'), { timeout: 5_000, interval: 20 })
      .toHaveLength(2);
    const backMs = performance.now() - beatingSince;
    end.abort();
    await running;

    console.log(
      `consul: silent host gone after ${Math.round(goneMs)} ms of ttl 3 s, back after ${Math.round(backMs)} ms`,
    );
    expect(goneMs).toBeLessThan(3_000 + 5_000);
  });

  test('entries stay healthy while heartbeats are sent, and are told lost after the server forgot them', async () => {
    const { server, endpoints } = await consul();
    await using mirror = openConsul({ endpoints, ttl: '3s' });
    await mirror.put(mirror.render(web), noEnd);
    const end = new AbortController();
    let lost = 0;
    const running = mirror.run(() => lost++, end.signal);

    await sleep(5_000);
    const found = await healthyAddresses(server, 'web');
    await server.wipe();
    await expect.poll(() => lost, { timeout: 10_000 }).toBe(1);
    end.abort();
    await running;

    expect(found).toEqual(['10.1.0.2']);
    expect(await mirror.listOwn(noEnd)).toEqual([]);
  });

  test('what a process without a session wrote is taken over by the one with', async () => {
    const { endpoints } = await consul();
    await using brief = openConsul({ endpoints }, { session: 'none' });
    await using held = openConsul({ endpoints });
    await brief.put(brief.render(web), noEnd);

    const [before] = await held.listOwn(noEnd);
    await held.put(held.render(web), noEnd);

    expect([before]).toEqual(brief.render(web));
    expect(before).not.toEqual(held.render(web)[0]);
    expect(await held.listOwn(noEnd)).toEqual(held.render(web));
  });
});

describe('what a foreign hand changes in an entry', () => {
  const key = 'fairlead-1111111111111111-web-1';
  const ttl = { TTL: '1h', Status: 'critical' };
  test.each<{ readonly what: string; readonly path: string; readonly body?: object }>([
    { what: 'a check is taken away', path: `check/deregister/${key}:host` },
    {
      what: 'a check is added',
      path: 'check/register',
      body: { ID: 'x', Name: 'x', ServiceID: key, ...ttl },
    },
    { what: 'another registers over it', path: 'service/register', body: { ID: key, Name: 'web', Port: 81 } },
    { what: 'it is set into maintenance', path: `service/maintenance/${key}?enable=true` },
    { what: 'it is taken away', path: `service/deregister/${key}` },
  ])('$what: is seen in the list, and made good by another put', async ({ path, body }) => {
    const { server, endpoints } = await consul();
    await using mirror = openConsul({ endpoints });
    const entries = mirror.render(web);
    await mirror.put(entries, noEnd);
    const { status } = await server.call(`/v1/agent/${path}`, { method: 'PUT', body });

    const changed = await mirror.listOwn(noEnd);
    await mirror.put(entries, noEnd);

    expect(status).toBe(200);
    expect(changed).not.toEqual(entries);
    expect(await mirror.listOwn(noEnd)).toEqual(entries);
    expect(await healthyAddresses(server, 'web')).toEqual(['10.1.0.2']);
  });

  test('a status set by hand is seen too', async () => {
    const { server, endpoints } = await consul();
    await using mirror = openConsul({ endpoints });
    const entries = mirror.render({ ...web, status: 'draining' });
    await mirror.put(entries, noEnd);
    await server.call(`/v1/agent/check/pass/${key}:status`, { method: 'PUT' });

    const changed = await mirror.listOwn(noEnd);
    await mirror.put(entries, noEnd);

    expect(changed).not.toEqual(entries);
  });
});

test("Consul's own DNS answers with the container's address and port", async () => {
  const { server, endpoints } = await consul();
  await using mirror = openConsul({ endpoints });
  await mirror.put(mirror.render({ ...web, port: 8080 }), noEnd);
  const { address, port } = server.dns;
  const dig = async (type: string) =>
    String(await must('dig', [`@${address}`, '-p', `${port}`, '+short', type, 'web.service.consul'])).trim();

  expect(await dig('A')).toBe('10.1.0.2');
  expect(await dig('SRV')).toMatch(/^1 1 8080 .*consul\.$/);
});

test('a foreign service is read with its own name, address and weight', async () => {
  const { server, endpoints } = await consul();
  await using mirror = openConsul({ endpoints });
  const body = {
    ID: 'f1',
    Name: 'Foreign',
    Address: '10.9.0.1',
    Port: 99,
    Tags: ['x'],
    Weights: { Passing: 7, Warning: 1 },
  };
  await server.call('/v1/agent/service/register', { method: 'PUT', body });

  const found = await mirror.query('Foreign', noEnd);

  expect(found).toMatchObject([
    {
      ...{ service: toHashedLabel('Foreign'), serviceName: 'Foreign' },
      ...{ address: '10.9.0.1', port: 99, tags: ['x'], weight: 7 },
    },
  ]);
  expect(await mirror.listOwn(noEnd)).toEqual([]);
});

test('a put is in the healthy answers of the catalogue within 50 ms in the median', async () => {
  const { server, endpoints } = await consul();
  await using mirror = openConsul({ endpoints });
  await mirror.put(mirror.render({ ...web, id: 'first', service: 'first' }), noEnd);
  const took: number[] = [];
  for (const [at, address] of addresses(isSoak ? 100 : 20).entries()) {
    const instance = instanceOf({ id: `web-${at}`, service: `web-${at}`, address });
    const since = performance.now();
    await mirror.put(mirror.render(instance), noEnd);
    while ((await mirror.query(`web-${at}`, noEnd)).length === 0) await sleep(1);
    took.push(performance.now() - since);
  }
  const sorted = took.toSorted((one, other) => one - other);
  const median = sorted[sorted.length >> 1] ?? 0;
  console.log(
    `consul: visible after ${median.toFixed(1)} ms in the median, ${sorted.at(-1)?.toFixed(1)} at most`,
  );

  expect(server.pid).toBeDefined();
  expect(median).toBeLessThan(50);
});

test(`${isSoak ? 10_000 : 500} instances are put, listed as they are, and taken away`, {
  timeout: 900_000,
}, async () => {
  const { endpoints } = await consul();
  await using mirror = openConsul({ endpoints, timeout: '1m', ttl: '1h' });
  const entries = addresses(isSoak ? 10_000 : 500).flatMap((address, at) =>
    mirror.render(instanceOf({ id: `web-${at}`, service: `web-${at % 100}`, address })),
  );
  const times: string[] = [];
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const since = performance.now();
    const result = await work();
    times.push(`${what} ${Math.round(performance.now() - since)} ms`);
    return result;
  };

  const refused = await timed('put', () => mirror.put(entries, noEnd));
  const listed = await timed('list', () => mirror.listOwn(noEnd));
  const left = await timed('remove', () =>
    mirror.remove(
      entries.map(({ key }) => key),
      noEnd,
    ),
  );
  console.log(
    `consul: ${entries.length} instances: ${times.join(', ')}; rss ${process.memoryUsage.rss() >> 20} MiB`,
  );

  expect([refused, left]).toEqual([[], []]);
  expect(new Map(listed.map(({ key, content }) => [key, content]))).toEqual(
    new Map(entries.map(({ key, content }) => [key, content])),
  );
  expect(await mirror.listOwn(noEnd)).toEqual([]);
});
