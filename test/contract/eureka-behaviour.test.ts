import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Deliverer } from '../../lib/mirror/delivery.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { Instance, Status } from '../../lib/registry/instance.ts';
import { EurekaRig, openEureka } from '../support/eureka-mirror.ts';
import { requireEureka } from '../support/java-servers.ts';
import { registerNumbered, temporaryStore } from '../support/registrations.ts';
import { containerOwner, instanceOf } from '../support/registry.ts';

const node = '1111111111111111';
const rig = new EurekaRig({ by: 'netflix' });
/** Its lists are as old as those of a Eureka that nobody has told otherwise. */
const cached = new EurekaRig({ by: 'netflix' }, { cacheMs: 30_000 });
const noEnd = new AbortController().signal;

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await cached[Symbol.asyncDispose]();
});

beforeEach(requireEureka);

describe('what others see of an entry', { timeout: 60_000 }, () => {
  test('its status follows the instance, from whichever to whichever', async () => {
    await using mirror = await begin();
    const steps: readonly Status[] = [
      ...(['passing', 'draining', 'passing', 'maintenance', 'critical', 'passing'] as const),
      ...(['critical', 'draining', 'maintenance', 'passing'] as const),
    ];
    const seen: (string | undefined)[] = [];

    for (const status of steps) {
      await put(mirror, [web({ status })]);
      seen.push((await rig.find('WEB', `${node}:web-1`))?.status);
    }

    expect(seen).toEqual([
      ...['UP', 'OUT_OF_SERVICE', 'UP', 'OUT_OF_SERVICE', 'DOWN', 'UP'],
      ...['DOWN', 'OUT_OF_SERVICE', 'OUT_OF_SERVICE', 'UP'],
    ]);
  });

  test('a process that has just started brings an instance back that another one has drained', async () => {
    await using before = await begin();
    await put(before, [web({ status: 'draining' })]);
    await using mirror = openEureka(await rig.server(), node);

    await put(mirror, [web()]);

    expect(await rig.find('WEB', `${node}:web-1`)).toMatchObject({ status: 'UP' });
  });
});

describe('what others change', { timeout: 60_000 }, () => {
  test("an operator's status stays, is no difference, and counts in the answers", async () => {
    await using mirror = await begin();
    await put(mirror, [web()]);
    await rig.ask('PUT', 'WEB', `${node}:web-1`, '/status?value=OUT_OF_SERVICE');
    await untilSeen(mirror, 0);

    const own = await mirror.listOwn(noEnd);
    await put(mirror, [web({ tags: ['v2'] })]);
    const overridden = await rig.find('WEB', `${node}:web-1`);
    await rig.ask('DELETE', 'WEB', `${node}:web-1`, '/status?value=UP');

    expect(own).toEqual(mirror.render(web()));
    expect(overridden).toMatchObject({ status: 'OUT_OF_SERVICE' });
    expect(await untilSeen(mirror, 1)).toMatchObject([{ tags: ['v2'] }]);
  });

  test('anything else is a difference', async () => {
    await using mirror = await begin();
    await put(mirror, [web()]);

    await rig.ask('PUT', 'WEB', `${node}:web-1`, '/metadata?owner=somebody');
    await sleep(500);

    const [own] = await mirror.listOwn(noEnd);
    expect(own?.key).toBe(mirror.render(web())[0]?.key);
    expect(own?.content).not.toBe(mirror.render(web())[0]?.content);
  });

  test('what they register is found as theirs, without what would be no metadata here, and stays', async () => {
    await using mirror = await begin();
    await rig.register({
      ...{ app: 'BILLING', instanceId: 'host.example:billing:8080', ipAddr: '192.0.2.7' },
      metadata: { 'management.port': '8081', 'a key': 'x', long: 'x'.repeat(300) },
    });
    await rig.register({ app: 'BILLING', instanceId: 'no-address', ipAddr: 'unknown' });

    const found = await mirror.query('billing', noEnd);
    await new Deliverer(temporaryStore(node).store, mirror).resync(noEnd);

    expect(found).toMatchObject([
      {
        ...{ service: 'billing', serviceName: 'billing', address: '192.0.2.7', port: 8080 },
        ...{ status: 'passing', weight: 1, meta: { 'management.port': '8081' } },
        owner: { kind: 'api', node: 'outside-eureka' },
      },
    ]);
    expect(await rig.find('BILLING', 'host.example:billing:8080')).toBeDefined();
  });
});

describe('lists that are half a minute old', { timeout: 60_000 }, () => {
  test('do not make anybody put or remove what he has put or removed already', async () => {
    await using mirror = openEureka(await cached.server(), node);
    using local = temporaryStore(node);
    const deliverer = new Deliverer(local.store, mirror);
    for (let number = 0; number < 5; number++) registerNumbered(local.store, number);
    await deliverer.resync(noEnd);
    local.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 2_000_000);
    await deliverer.deliver(noEnd);

    const again = await deliverer.resync(noEnd);

    expect(again).toMatchObject({ put: 0, removed: 0 });
    expect(await mirror.listOwn(noEnd)).toHaveLength(4);
  });

  test('an instance can be had by its id as soon as it was put', async () => {
    await using mirror = openEureka(await cached.server(), node);
    const times: number[] = [];
    for (let at = 0; at < 20; at++) {
      const beginMs = performance.now();
      await put(mirror, [web({ id: `soon-${at}` })]);
      expect(await cached.find('WEB', `${node}:soon-${at}`)).toBeDefined();
      times.push(performance.now() - beginMs);
    }

    const median = times.toSorted((one, other) => one - other)[10] ?? 0;
    console.log(`put and found by its id: median ${median.toFixed(1)} ms`);
    expect(median).toBeLessThan(100);
  });
});

describe('heartbeats', { timeout: 90_000 }, () => {
  test('keep entries; those of a machine that has died are gone after its lease', async () => {
    const ttl = '6s';
    await using alive = await begin({ ttl });
    await using dead = openEureka(await rig.server(), '2222222222222222', { ttl });
    const [end, death] = [new AbortController(), new AbortController()];
    const lost: string[] = [];
    const running = [
      alive.run(() => lost.push('alive'), end.signal),
      dead.run(() => lost.push('dead'), death.signal),
    ];
    await put(alive, [web()]);
    await put(dead, [web({ id: 'web-2', address: '10.1.0.3' })]);
    await sleep(9_000);
    const both = await untilSeen(alive, 2);

    death.abort();
    const diedMs = performance.now();
    const left = await untilSeen(alive, 1);
    const afterMs = performance.now() - diedMs;
    end.abort();
    await Promise.all(running);

    console.log(
      `a machine with a lease of ${ttl} was out of the answers ${(afterMs / 1000).toFixed(1)} s after its death`,
    );
    expect(both.map(({ id }) => id).sort()).toEqual(['web-1', 'web-2']);
    expect(left.map(({ id }) => id)).toEqual(['web-1']);
    expect(lost).toEqual([]);
    expect(afterMs).toBeLessThan(11_000);
  });

  test('what the server has forgotten is told once, and put again by a resync', async () => {
    await using mirror = await begin({ ttl: '6s' });
    using local = temporaryStore(node);
    for (let number = 0; number < 20; number++) registerNumbered(local.store, number);
    const deliverer = new Deliverer(local.store, mirror);
    await deliverer.resync(noEnd);
    const end = new AbortController();
    const told = Promise.withResolvers<void>();
    const running = mirror.run(told.resolve, end.signal);

    await (await rig.server()).wipe();
    await told.promise;
    const { put: again } = await deliverer.resync(noEnd);
    end.abort();
    await running;

    expect(again).toBe(20);
    expect((await rig.list()).instances).toHaveLength(20);
  });
});

const many = process.env.SOAK === '1' ? 10_000 : 2_000;

test(`${many} instances are put, compared and taken away in little time`, { timeout: 180_000 }, async () => {
  // A server with a share of two processors renews no thousand entries a second.
  await using mirror = await begin({ ttl: '2m' });
  const instances = Array.from({ length: many }, (_, at) =>
    web({
      ...{ id: `web-${at}`, service: `web-${at % 50}`, serviceName: `web-${at % 50}` },
      address: `10.1.${at >> 8}.${at & 255}`,
    }),
  );
  const entries = instances.flatMap((instance) => mirror.render(instance));

  const end = new AbortController();
  const running = mirror.run(() => undefined, end.signal);
  const putMs = await timed(() => mirror.put(entries, noEnd));
  const listedMs = await timed(() => mirror.listOwn(noEnd));
  const own = new Map((await mirror.listOwn(noEnd)).map(({ key, content }) => [key, content]));
  const removedMs = await timed(() => mirror.remove([...own.keys()], noEnd));
  end.abort();
  await running;

  console.log(`${many}: put in ${putMs} ms, listed in ${listedMs} ms, removed in ${removedMs} ms`);
  expect(entries.filter(({ key, content }) => own.get(key) !== content)).toEqual([]);
  expect(own.size).toBe(many);
  expect(await mirror.listOwn(noEnd)).toEqual([]);
});

/** A mirror of this machine at an empty registry. */
async function begin(said: Readonly<Record<string, unknown>> = {}): Promise<OutsideRegistry> {
  await rig.clear();
  return openEureka(await rig.server(), node, said);
}

function web(said: Partial<Instance> = {}): Instance {
  return instanceOf({ owner: containerOwner({ node }), ...said });
}

async function put(mirror: OutsideRegistry, instances: readonly Instance[]): Promise<void> {
  const entries = instances.flatMap((instance) => mirror.render(instance));
  expect(await mirror.put(entries, noEnd)).toEqual([]);
}

/** The answers, when there are so many in them. */
async function untilSeen(mirror: OutsideRegistry, count: number): Promise<readonly Instance[]> {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    const found = await mirror.query('WEB', noEnd);
    if (found.length === count || performance.now() > untilMs) return found;
    await sleep(50);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beginMs = performance.now();
  await work();
  return Math.round(performance.now() - beginMs);
}
