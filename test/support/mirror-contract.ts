import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Deliverer } from '../../lib/mirror/delivery.ts';
import { toMarkings } from '../../lib/mirror/markings.ts';
import type { Entry, OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { Instance } from '../../lib/registry/instance.ts';
import type { Store } from '../../lib/registry/store.ts';
import { Random } from './random.ts';
import { registerNumbered, temporaryStore } from './registrations.ts';
import { containerOwner, instanceOf } from './registry.ts';

/** One outside registry, empty, and what is done to it from several machines. */
export type MirrorSubject = AsyncDisposable & {
  /** The registry as the machine of this name writes it; the same name again is the same machine. */
  readonly machine: (node: string) => OutsideRegistry;
  /** Makes the registry unreachable until the value is disposed. */
  readonly outage: () => Promise<AsyncDisposable>;
  /**
   * Writes an entry past the adapter, with a machine's markings or without, as anybody may who has the right to. Undefined
   * where records of ours alone are read.
   */
  readonly forge: ((forged: Forged) => Promise<void>) | undefined;
  /** Fields of an instance that this registry has no place for; `query` and `watch` may lose them. */
  readonly lost?: readonly (keyof Instance)[];
};

/** What somebody else writes under a service's name, as the registry has it. */
export type Forged = {
  readonly name: string;
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Milliseconds until a registry must show what was done to it: some answer from caches of their own. */
const patienceMs = 10_000;

const web = { namespace: 'default', service: 'web' };
const n1 = '1111111111111111';
const n2 = '2222222222222222';

/** The promises of lib/mirror/mirror.ts, which every outside registry must keep. */
export function describeMirror(
  name: string,
  create: () => Promise<MirrorSubject>,
  { readsForeign = true } = {},
): void {
  describe(name, () => {
    describe('put and remove', () => testWriting(create));
    describe('entries of others', () => testOwnership(create));
    describe('query', () => testQuery(create));
    if (readsForeign) describe('what others have written', () => testForeign(create));
    describe('watch', () => testWatch(create));
    describe('the outbox', () => testDelivery(create));
  });
}

type Create = () => Promise<MirrorSubject>;

const noEnd = new AbortController().signal;

/** An instance of a container of a machine as it is delivered, with everything said of it. */
function fullInstance(said: Partial<Instance> = {}, node = n1): Instance {
  return instanceOf({
    id: 'web-1',
    revision: 7,
    portName: 'http',
    weight: 3,
    tags: ['v1', 'a,b'],
    meta: { owner: 'team a', empty: '' },
    endpoint: '/api',
    owner: containerOwner({ node }),
    createdAtMs: 1_700_000_000_000,
    ...said,
  });
}

/** What a registry must hand back, in the order of ids. */
function kept(instances: readonly Instance[], { lost = [] }: MirrorSubject): readonly object[] {
  const left = new Set<string>(['revision', ...lost]);
  return instances
    .toSorted((one, other) => one.id.localeCompare(other.id))
    .map((instance) => Object.fromEntries(Object.entries(instance).filter(([key]) => !left.has(key))));
}

function rendered(mirror: OutsideRegistry, instances: readonly Instance[]): readonly Entry[] {
  const entries = instances.flatMap((instance) => mirror.render(instance));
  return sorted([...new Map(entries.map((entry) => [entry.key, entry])).values()]);
}

function sorted(entries: readonly Entry[]): readonly Entry[] {
  return entries.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

/** Puts instances, of which the registry must refuse none. */
async function put(mirror: OutsideRegistry, instances: readonly Instance[]): Promise<void> {
  expect(await mirror.put(rendered(mirror, instances), noEnd)).toEqual([]);
}

async function remove(mirror: OutsideRegistry, instances: readonly Instance[]): Promise<void> {
  const keys = rendered(mirror, instances).map(({ key }) => key);
  expect(await mirror.remove(keys, noEnd)).toEqual([]);
}

/** What a registry says must become what is expected. */
async function expectSoon<T>(read: () => Promise<T>, expected: T): Promise<void> {
  const until = performance.now() + patienceMs;
  let found = await read();
  while (!isDeepStrictEqual(found, expected) && performance.now() < until) {
    await sleep(50);
    found = await read();
  }
  expect(found).toEqual(expected);
}

async function expectOwn(mirror: OutsideRegistry, instances: readonly Instance[]): Promise<void> {
  await expectSoon(async () => sorted(await mirror.listOwn(noEnd)), rendered(mirror, instances));
}

async function expectFound(
  subject: MirrorSubject,
  mirror: OutsideRegistry,
  instances: readonly Instance[],
): Promise<void> {
  const query = async () => kept(await mirror.query(mirror.nameOf(web), noEnd), subject);
  await expectSoon(query, kept(instances, subject));
}

function testWriting(create: Create): void {
  test('what was put is listed as it was rendered', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const instances = [
      fullInstance(),
      fullInstance({ id: 'web-6', address: 'fd00::2', family: 6, port: 0, portName: '', tags: [], meta: {} }),
      fullInstance({ id: 'dns-1', service: 'dns', serviceName: 'DNS', port: 53, transport: 'udp' }),
      fullInstance({ id: 'shop-1', namespace: 'shop', address: '10.1.0.9' }),
      fullInstance({ id: 'api-1', address: '10.1.0.10', owner: { kind: 'api', node: n1 } }),
    ];

    await put(mirror, instances);

    await expectOwn(mirror, instances);
  });

  test('what was put is read as it was, also by another machine', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    await using other = subject.machine(n2);
    const instances = [
      fullInstance(),
      fullInstance({
        id: 'web-2',
        address: '10.1.0.3',
        owner: { kind: 'api', node: n1 },
        tags: [],
        meta: {},
      }),
      fullInstance({ id: 'web-3', address: 'fd00::3', family: 6, weight: 1, endpoint: '', portName: '' }),
    ];

    await put(mirror, instances);

    await expectFound(subject, mirror, instances);
    await expectFound(subject, other, instances);
  });

  test('putting again changes nothing, and a changed instance takes the place of the old one', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const changed = fullInstance({ revision: 8, tags: ['v2'], meta: {}, weight: 1 });

    await put(mirror, [fullInstance()]);
    await put(mirror, [fullInstance()]);
    await put(mirror, [changed]);

    await expectOwn(mirror, [changed]);
    await expectFound(subject, mirror, [changed]);
  });

  test('what was removed is gone, the others stay, and removing what is not there succeeds', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const [one, other] = [fullInstance({ id: 'web-1' }), fullInstance({ id: 'web-2', address: '10.1.0.3' })];
    await put(mirror, [one, other]);

    await remove(mirror, [one]);
    await remove(mirror, [one, fullInstance({ id: 'never-there', address: '10.1.0.99' })]);

    await expectOwn(mirror, [other]);
    await expectFound(subject, mirror, [other]);
  });

  test('many at once are all there, and all gone again', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const many = Array.from({ length: 200 }, (_, at) =>
      fullInstance({ id: `web-${at}`, address: `10.1.0.${at}` }),
    );

    await put(mirror, many);
    await expectOwn(mirror, many);
    await remove(mirror, many);

    await expectOwn(mirror, []);
  });

  test('a call whose signal has been given already rejects', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const ended = AbortSignal.abort(new Error('ended'));

    await expect(mirror.put(mirror.render(fullInstance()), ended)).rejects.toThrow();
    await expect(mirror.listOwn(ended)).rejects.toThrow();
  });
}

function testOwnership(create: Create): void {
  test('are neither listed as own, nor changed by a put or remove of the same id', async () => {
    await using subject = await create();
    await using mine = subject.machine(n1);
    await using theirs = subject.machine(n2);
    const foreign = fullInstance({ address: '10.2.0.2' }, n2);
    await put(theirs, [foreign]);
    await expectOwn(theirs, [foreign]);

    const before = await mine.listOwn(noEnd);
    await put(mine, [fullInstance()]);
    await expectSoon(
      async () => (await mine.query(mine.nameOf(web), noEnd)).map(({ address }) => address).sort(),
      ['10.1.0.2', '10.2.0.2'],
    );
    await remove(mine, [fullInstance()]);
    await mine.remove(
      rendered(theirs, [foreign]).map(({ key }) => key),
      noEnd,
    );

    expect(before).toEqual([]);
    await expectOwn(mine, []);
    await expectOwn(theirs, [foreign]);
    await expectFound(subject, theirs, [foreign]);
  });

  test('stay when this machine makes its own equal to its store', async () => {
    await using subject = await create();
    await using mine = subject.machine(n1);
    await using theirs = subject.machine(n2);
    using local = temporaryStore(n1);
    const foreign = fullInstance({ id: 'foreign-1', address: '10.2.0.2' }, n2);
    await put(theirs, [foreign]);
    await put(mine, [fullInstance({ id: 'stale-1' })]);
    await expectOwn(mine, [fullInstance({ id: 'stale-1' })]);

    await new Deliverer(local.store, mine).resync(noEnd);

    await expectOwn(mine, []);
    await expectOwn(theirs, [foreign]);
  });
}

function testForeign(create: Create): void {
  test('an instance that is marked as one of another service is foreign, and takes nothing from that', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const name = mirror.nameOf({ ...web, service: 'harmless' });
    await put(mirror, [fullInstance()]);

    await subject.forge?.({ name, address: '10.6.6.6', metadata: toMarkings(fullInstance()) });
    await expectSoon(
      async () => (await mirror.query(name, noEnd)).map(({ address }) => address),
      ['10.6.6.6'],
    );
    const [forged] = await mirror.query(name, noEnd);

    expect(forged).toMatchObject({ namespace: 'default', service: 'harmless', meta: {} });
    expect(forged?.owner).toEqual({ kind: 'api', node: expect.stringMatching(/^outside-/) });
    expect(forged?.id).not.toBe('web-1');
    await expectFound(subject, mirror, [fullInstance()]);
  });
}

function testQuery(create: Create): void {
  test('gives the healthy instances of exactly that service', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    await put(mirror, [
      fullInstance({ id: 'web-1' }),
      fullInstance({ id: 'web-2', address: '10.1.0.3', status: 'critical' }),
      fullInstance({ id: 'web-3', address: '10.1.0.4', status: 'draining' }),
      fullInstance({ id: 'web-4', address: '10.1.0.5', status: 'maintenance' }),
      fullInstance({ id: 'api-1', address: '10.1.0.6', service: 'api', serviceName: 'api' }),
      fullInstance({ id: 'shop-1', address: '10.1.0.7', namespace: 'shop' }),
    ]);

    await expectFound(subject, mirror, [fullInstance({ id: 'web-1' })]);
    expect(await mirror.query(mirror.nameOf({ ...web, service: 'nobody' }), noEnd)).toEqual([]);
  });

  test('an instance that falls ill leaves the answers, and returns when it is well', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const well = fullInstance();
    const ill = fullInstance({ status: 'critical' });
    await put(mirror, [well]);
    await expectFound(subject, mirror, [well]);

    await change(mirror, well, ill);
    await expectFound(subject, mirror, []);
    await change(mirror, ill, well);

    await expectFound(subject, mirror, [well]);
  });
}

/** As the outbox would: what has no place any more is removed. */
async function change(mirror: OutsideRegistry, from: Instance, to: Instance): Promise<void> {
  const keys = new Set(mirror.render(to).map(({ key }) => key));
  const gone = mirror.render(from).flatMap(({ key }) => (keys.has(key) ? [] : [key]));
  if (gone.length > 0) expect(await mirror.remove(gone, noEnd)).toEqual([]);
  if (keys.size > 0) await put(mirror, [to]);
}

function testWatch(create: Create): void {
  test('tells first what there is, also if that is nothing, and then each change until the signal', async () => {
    await using subject = await create();
    await using mine = subject.machine(n1);
    await using theirs = subject.machine(n2);
    const end = new AbortController();
    const watching = mine.watch(mine.nameOf(web), end.signal)[Symbol.asyncIterator]();
    const well = fullInstance({}, n2);

    const first = await watching.next();
    await put(theirs, [well]);
    const come = await nextWith(watching, 1);
    await change(theirs, well, fullInstance({ status: 'critical' }, n2));
    const sick = await nextWith(watching, 0);
    await put(theirs, [well]);
    await nextWith(watching, 1);
    await remove(theirs, [well]);
    const gone = await nextWith(watching, 0);
    end.abort();

    expect([first.value, come?.map(({ id }) => id), sick, gone]).toEqual([[], ['web-1'], [], []]);
    expect(await watching.next()).toMatchObject({ done: true });
  });

  test('ends at once where the signal has been given already', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const told: unknown[] = [];
    for await (const instances of mirror.watch(mirror.nameOf(web), AbortSignal.abort())) told.push(instances);

    expect(told).toEqual([]);
  });

  test('the names of services come and go with their instances', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    const name = mirror.nameOf(web);
    const end = new AbortController();
    const watching = mirror.watchNames(end.signal)[Symbol.asyncIterator]();

    const before = await watching.next();
    await put(mirror, [fullInstance()]);
    const come = await nextOf(watching, (names) => names.includes(name));
    end.abort();

    expect(before.value).not.toContain(name);
    expect(come).toContain(name);
    expect(await watching.next()).toMatchObject({ done: true });
  });
}

/** What a watch tells once it tells of so many; a change may be told twice, or with the one after it. */
function nextWith(watching: AsyncIterator<readonly Instance[]>, count: number) {
  return nextOf(watching, ({ length }) => length === count);
}

async function nextOf<T>(watching: AsyncIterator<T>, isWanted: (told: T) => boolean): Promise<T | undefined> {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    const { value, done } = await watching.next();
    if (done === true || isWanted(value)) return done === true ? undefined : value;
  }
  throw new Error(`the watch has not told of what was done within ${patienceMs} ms`);
}

function testDelivery(create: Create): void {
  test('a first delivery brings everything, a later one what has changed since', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    using local = temporaryStore(n1);
    const deliverer = new Deliverer(local.store, mirror);
    registerNumbered(local.store, 1);
    registerNumbered(local.store, 2);

    await deliverer.deliver(noEnd);
    await expectOwn(mirror, local.store.instances());
    local.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 2_000_000);
    registerNumbered(local.store, 3);
    await deliverer.deliver(noEnd);

    await expectOwn(mirror, local.store.instances());
    expect(await deliverer.deliver(noEnd)).toMatchObject({ put: 0, removed: 0 });
  });

  test('what one process has begun, another one of this machine goes on with', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    using local = temporaryStore(n1);
    registerNumbered(local.store, 1);
    registerNumbered(local.store, 2);
    await new Deliverer(local.store, mirror).deliver(noEnd);
    local.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 2_000_000);
    registerNumbered(local.store, 3);

    await new Deliverer(local.store, mirror).deliver(noEnd);

    await expectOwn(mirror, local.store.instances());
  });

  test('after an outage everything arrives that happened meanwhile', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    using local = temporaryStore(n1);
    const deliverer = new Deliverer(local.store, mirror);
    registerNumbered(local.store, 1);
    await deliverer.deliver(noEnd);
    {
      await using _outage = await subject.outage();
      registerNumbered(local.store, 2);
      local.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 2_000_000);
      await expect(deliverer.deliver(noEnd)).rejects.toThrow();
      await expect(mirror.query(mirror.nameOf(web), noEnd)).rejects.toThrow();
    }

    await untilDelivered(deliverer);

    await expectOwn(mirror, local.store.instances());
  });

  test('however many changes lie between deliveries, the last one leaves the registry equal to the store', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    using local = temporaryStore(n1);
    const deliverer = new Deliverer(local.store, mirror);
    const random = new Random();
    for (let round = 0; round < 60; round++) {
      changeAtRandom(local.store, random, round);
      if (random.below(4) === 0) await deliverer.deliver(noEnd);
    }
    await deliverer.deliver(noEnd);

    await expectOwn(mirror, local.store.instances());
  });

  test('what somebody else has taken away or left over is made good by a resync, and then nothing is left to do', async () => {
    await using subject = await create();
    await using mirror = subject.machine(n1);
    using local = temporaryStore(n1);
    const deliverer = new Deliverer(local.store, mirror);
    for (let number = 0; number < 6; number++) registerNumbered(local.store, number);
    await deliverer.deliver(noEnd);
    await remove(mirror, local.store.instances().slice(0, 3));
    await put(mirror, [fullInstance({ id: 'left-over' })]);
    await expectOwn(mirror, [...local.store.instances().slice(3), fullInstance({ id: 'left-over' })]);

    await deliverer.resync(noEnd);

    await expectOwn(mirror, local.store.instances());
    expect(await deliverer.resync(noEnd)).toMatchObject({ put: 0, removed: 0 });
  });
}

/** A server that has just come back may not answer all at once. */
async function untilDelivered(deliverer: Deliverer): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      await deliverer.resync(noEnd);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(200);
    }
  }
}

function changeAtRandom(store: Store, random: Random, round: number): void {
  const number = random.below(12);
  const key = { network: 'net', containerId: `c${number}`, ifName: 'eth0' };
  const some = random.pick([...store.instances(), undefined]);
  switch (random.below(4)) {
    case 0:
      store.withdraw(key, 0);
      break;
    case 1:
      if (some !== undefined) store.update(some.id, { status: 'critical', tags: [`t${round}`] });
      break;
    default:
      registerNumbered(store, number, { weight: round });
  }
}
