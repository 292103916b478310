import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Deliverer } from '../../lib/mirror/delivery.ts';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { Instance } from '../../lib/registry/instance.ts';
import { toHashedLabel } from '../../lib/registry/label.ts';
import { requireNacos } from '../support/java-servers.ts';
import { type NacosEntry, NacosRig } from '../support/nacos-mirror.ts';
import { registerNumbered, temporaryStore } from '../support/registrations.ts';
import { containerOwner, instanceOf } from '../support/registry.ts';

const node = '1111111111111111';
const noEnd = new AbortController().signal;
const rigs = { 2: new NacosRig({ version: 2 }), 3: new NacosRig({ version: 3 }) };
const many = process.env.SOAK === '1' ? 10_000 : 2_000;

afterAll(async () => {
  await rigs[2][Symbol.asyncDispose]();
  await rigs[3][Symbol.asyncDispose]();
});

beforeEach(requireNacos);

describe.each([2, 3] as const)('Nacos %i', { timeout: 180_000 }, (version) => {
  const rig = rigs[version];

  test('shows an ill instance to operators, and gives it to no client', async () => {
    const { mirror, namespaceId } = await begin(rig);
    await put(mirror, [web(), web({ id: 'web-2', address: '10.1.0.3', status: 'critical' })]);

    const entries = await untilEntries(rig, namespaceId, 2);

    const shown = entries.map(({ ip, enabled, metadata }) => [ip, enabled, metadata['fairlead-status']]);
    expect(shown.sort()).toEqual([
      ['10.1.0.2', true, undefined],
      ['10.1.0.3', false, 'critical'],
    ]);
    expect(await addresses(mirror)).toEqual(['10.1.0.2']);
  });

  test('an instance that an operator takes out of the answers stays out, and is no difference', async () => {
    const { mirror, namespaceId } = await begin(rig);
    await put(mirror, [web()]);
    await rig.edit({
      ...formOf(namespaceId),
      enabled: 'false',
      metadata: await metadataOf(rig, namespaceId),
    });
    await untilAddresses(mirror, []);

    const own = await mirror.listOwn(noEnd);
    await put(mirror, [web({ tags: ['v2'] })]);
    await settled(mirror);

    expect(own).toEqual(mirror.render(web()));
    expect(await addresses(mirror)).toEqual([]);
  });

  test('anything else that an operator sets is set right by comparing twice, also where it hides that an instance is ill', async () => {
    const { mirror, namespaceId } = await begin(rig);
    const ill = web({ status: 'critical' });
    await put(mirror, [web()]);
    await rig.edit({ ...formOf(namespaceId), weight: '77', metadata: '{"by":"hand"}' });
    await put(mirror, [ill]);
    await untilEntries(rig, namespaceId, 1, ({ weight }) => weight === 77);

    const wrong = await settled(mirror);
    await put(mirror, [ill]);
    const right = await settled(mirror);

    expect(wrong).not.toEqual(mirror.render(ill));
    expect(right).toEqual(mirror.render(ill));
    expect(await addresses(mirror)).toEqual([]);
  });

  test("what stands at an entry's address is left to others until they are silent", async () => {
    const { mirror, namespaceId } = await begin(rig);
    const preserved = '"preserved.heart.beat.timeout":"10000","preserved.ip.delete.timeout":"90000"';
    await rig.register({
      ...formOf(namespaceId),
      clusterName: 'elsewhere',
      metadata: `{"fairlead-node":"2222222222222222",${preserved}}`,
    });
    await untilEntries(rig, namespaceId, 1);

    const refused = await mirror.put(mirror.render(web()), noEnd);
    await mirror.remove(
      mirror.render(web()).map(({ key }) => key),
      noEnd,
    );
    const left = await rig.entries(namespaceId, 'web');
    await untilTaken(mirror, web());

    expect(refused).toEqual([
      {
        key: '10.1.0.2#80#DEFAULT#DEFAULT_GROUP@@web',
        because:
          'nacos: 10.1.0.2 port 80 of web (group DEFAULT_GROUP) is registered by machine 2222222222222222 and left as it is',
      },
    ]);
    expect(left).toHaveLength(1);
    expect(await settled(mirror)).toEqual(mirror.render(web()));
  });

  test('what others register is found as theirs, in whichever cluster and group', async () => {
    const { mirror, namespaceId } = await begin(rig);
    const form = { ...formOf(namespaceId), ip: '192.0.2.7', port: '8080', weight: '0.4' };
    await rig.register({ ...form, metadata: '{"a key":"x","zone":"z1"}', clusterName: 'hangzhou' });
    await rig.register({ ...form, ip: 'host.example' });
    await rig.register({ ...form, groupName: 'shop', serviceName: 'web.api' });
    const foreign = {
      ...{ address: '192.0.2.7', port: 8080, status: 'passing', weight: 1 },
      owner: { kind: 'api', node: 'outside-nacos' },
    };

    const found = await mirror.query('web', noEnd);
    const names = await mirror.watchNames(noEnd)[Symbol.asyncIterator]().next();

    expect(found).toMatchObject([{ ...foreign, serviceName: 'web', meta: { zone: 'z1' } }]);
    expect(names.value).toEqual(['shop@@web.api', 'web']);
    expect(await mirror.query('shop@@web.api', noEnd)).toMatchObject([
      { ...foreign, service: toHashedLabel('shop@@web.api'), serviceName: 'shop@@web.api' },
    ]);
  });

  test('what has more to say than Nacos takes is registered with what counts', async () => {
    const { mirror } = await begin(rig);
    const meta = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`key-${at}`, 'x'.repeat(200)]));
    const talkative = web({ meta, endpoint: `/${'x'.repeat(2_000)}`, tags: ['v1'] });

    await put(mirror, [talkative]);

    expect(await settled(mirror)).toEqual(mirror.render(talkative));
    expect(await mirror.query('web', noEnd)).toMatchObject([
      { id: 'web-1', owner: talkative.owner, tags: ['v1'], endpoint: '' },
    ]);
  });

  test('heartbeats keep entries; those of a machine that has died leave the answers within its time and 5 s', async () => {
    const { mirror: alive, namespaceId } = await begin(rig, { ttl: '6s' });
    const dead = rig.open(await rig.server(), '2222222222222222', { namespaceId, ttl: '6s' });
    const [end, death] = [new AbortController(), new AbortController()];
    const lost: string[] = [];
    const running = [
      alive.run(() => lost.push('alive'), end.signal),
      dead.run(() => lost.push('dead'), death.signal),
    ];
    await put(alive, [web()]);
    await put(dead, [web({ id: 'web-2', address: '10.1.0.3' })]);
    await sleep(13_000);
    const both = await addresses(alive);

    death.abort();
    const diedMs = performance.now();
    await untilAddresses(alive, ['10.1.0.2']);
    const afterMs = performance.now() - diedMs;
    end.abort();
    await Promise.all(running);

    console.log(
      `Nacos ${version}, ttl 6s: out of the answers ${(afterMs / 1000).toFixed(1)} s after its death`,
    );
    expect(both).toEqual(['10.1.0.2', '10.1.0.3']);
    expect(lost).toEqual([]);
    expect(afterMs).toBeLessThan(11_000);
  });

  test(`${many} instances are put, compared and taken away in little time`, async () => {
    const { mirror } = await begin(rig, { timeout: '5s' });
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
    await settled(mirror);
    const listedMs = await timed(() => mirror.listOwn(noEnd));
    const own = new Map((await mirror.listOwn(noEnd)).map(({ key, content }) => [key, content]));
    const removedMs = await timed(() => mirror.remove([...own.keys()], noEnd));
    end.abort();
    await running;

    console.log(`${many}: put in ${putMs} ms, listed in ${listedMs} ms, removed in ${removedMs} ms`);
    expect(entries.filter(({ key, content }) => own.get(key) !== content)).toEqual([]);
    expect(own.size).toBe(many);
    expect(await settled(mirror)).toEqual([]);
  });

  test('what the server has forgotten is told, and put again by a resync', async () => {
    const { mirror } = await begin(rig, { ttl: '6s', timeout: '5s' });
    using local = temporaryStore(node);
    for (let number = 0; number < 20; number++) registerNumbered(local.store, number);
    const deliverer = new Deliverer(local.store, mirror);
    await deliverer.resync(noEnd);
    const end = new AbortController();
    const told = Promise.withResolvers<void>();
    const running = mirror.run(told.resolve, end.signal);

    await (await rig.server()).restart();
    await told.promise;
    await deliverer.resync(noEnd);
    end.abort();
    await running;

    expect(await settled(mirror)).toHaveLength(20);
    expect(await deliverer.resync(noEnd)).toMatchObject({ put: 0, removed: 0 });
  });
});

/** A mirror of this machine at a registry of its own. */
async function begin(rig: NacosRig, said: Readonly<Record<string, unknown>> = {}) {
  const namespaceId = rig.newNamespace();
  return { mirror: rig.open(await rig.server(), node, { namespaceId, ...said }), namespaceId };
}

function web(said: Partial<Instance> = {}): Instance {
  return instanceOf({ owner: containerOwner({ node }), ...said });
}

/** Where `web()` stands. */
function formOf(namespaceId: string) {
  return { namespaceId, serviceName: 'web', ip: '10.1.0.2', port: '80', ephemeral: 'true' };
}

async function metadataOf(rig: NacosRig, namespaceId: string): Promise<string> {
  const [entry] = await untilEntries(rig, namespaceId, 1);
  return JSON.stringify(entry?.metadata);
}

async function put(mirror: OutsideRegistry, instances: readonly Instance[]): Promise<void> {
  const entries = instances.flatMap((instance) => mirror.render(instance));
  expect(await mirror.put(entries, noEnd)).toEqual([]);
}

/** Own entries when the server's cache has caught up with what was written before. */
async function settled(mirror: OutsideRegistry) {
  await sleep(1_000);
  return mirror.listOwn(noEnd);
}

async function addresses(mirror: OutsideRegistry): Promise<readonly string[]> {
  return (await mirror.query('web', noEnd)).map(({ address }) => address).sort();
}

async function untilAddresses(mirror: OutsideRegistry, expected: readonly string[]): Promise<void> {
  const untilMs = performance.now() + 30_000;
  while (String(await addresses(mirror)) !== String(expected) && performance.now() < untilMs) await sleep(50);
  expect(await addresses(mirror)).toEqual(expected);
}

/** Puts an instance until nobody else has its address any more. */
async function untilTaken(mirror: OutsideRegistry, instance: Instance): Promise<void> {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    const refused = await mirror.put(mirror.render(instance), noEnd);
    if (refused.length === 0 || performance.now() > untilMs) return;
    await sleep(500);
  }
}

async function untilEntries(
  rig: NacosRig,
  namespaceId: string,
  count: number,
  isWanted: (entry: NacosEntry) => boolean = () => true,
): Promise<readonly NacosEntry[]> {
  const untilMs = performance.now() + 10_000;
  for (;;) {
    const entries = (await rig.entries(namespaceId, 'web')).filter(isWanted);
    if (entries.length === count || performance.now() > untilMs) return entries;
    await sleep(50);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beginMs = performance.now();
  await work();
  return Math.round(performance.now() - beginMs);
}
