import { describe, expect, test } from 'vitest';
import type { Instance } from '../../lib/registry/instance.ts';
import type { Mirror } from '../../lib/registry/mirror.ts';
import { deliver, resync } from '../../lib/registry/outbox.ts';
import type { Store } from '../../lib/registry/store.ts';
import { Random } from './random.ts';
import { registerNumbered, temporaryStore } from './registrations.ts';
import { containerOwner, instanceOf } from './registry.ts';

/** One outside registry, empty, and what is done to it from several machines. */
export type MirrorSubject = AsyncDisposable & {
  /** The registry as the machine of this name writes it; the same name again is the same machine. */
  readonly machine: (node: string) => Mirror;
  /** Makes the registry unreachable until the value is disposed; without it, those tests are left out. */
  readonly outage?: () => Promise<AsyncDisposable>;
  /** Fields of an instance that this registry has no place for; `query` and `listOwn` may lose them. */
  readonly lost?: readonly (keyof Instance)[];
};

/** Milliseconds until a watch must have told of a change; those that poll need longer than the store. */
const patienceMs = 10_000;

const web = { namespace: 'default', service: 'web' };

/** The promises of lib/registry/mirror.ts, which every outside registry must keep. */
export function describeMirror(name: string, create: () => Promise<MirrorSubject>): void {
  describe(name, () => {
    describe('put and remove', () => testWriting(create));
    describe('entries of others', () => testOwnership(create));
    describe('query', () => testQuery(create));
    describe('watch', () => testWatch(create));
    describe('the outbox', () => testDelivery(create));
  });
}

type Create = () => Promise<MirrorSubject>;

const noEnd = new AbortController().signal;

/** An instance of a container as it is delivered, with everything said of it. */
function fullInstance(said: Partial<Instance> = {}): Instance {
  return instanceOf({
    id: 'web-1',
    revision: 7,
    portName: 'http',
    weight: 3,
    tags: ['v1', 'a,b'],
    meta: { owner: 'team a', empty: '' },
    endpoint: '/api',
    owner: containerOwner(),
    createdAtMs: 1_700_000_000_000,
    ...said,
  });
}

/** What a registry must hand back, in the order of ids. */
function kept(instances: readonly Instance[], { lost = [] }: MirrorSubject): readonly object[] {
  return instances
    .toSorted((one, other) => one.id.localeCompare(other.id))
    .map((instance) => Object.fromEntries(Object.entries(instance).filter(([key]) => !isLost(key, lost))));
}

function isLost(field: string, lost: readonly string[]): boolean {
  return lost.includes(field);
}

function testWriting(create: Create): void {
  test('what was put is listed as it was', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    const instances = [
      fullInstance(),
      fullInstance({ id: 'web-6', address: 'fd00::2', family: 6, port: 0, portName: '', tags: [], meta: {} }),
      fullInstance({ id: 'dns-1', service: 'dns', serviceName: 'DNS', port: 53, transport: 'udp' }),
    ];

    await mirror.put(instances, noEnd);

    expect(kept(await mirror.listOwn(noEnd), subject)).toEqual(kept(instances, subject));
  });

  test('putting again changes nothing, and a changed instance takes the place of the old one', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    const changed = fullInstance({ revision: 8, tags: ['v2'], meta: {}, weight: 1, status: 'critical' });

    await mirror.put([fullInstance()], noEnd);
    await mirror.put([fullInstance()], noEnd);
    await mirror.put([changed], noEnd);

    expect(kept(await mirror.listOwn(noEnd), subject)).toEqual(kept([changed], subject));
  });

  test('what was removed is gone, the others stay, and removing what is not there succeeds', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    const [one, other] = [fullInstance({ id: 'web-1' }), fullInstance({ id: 'web-2', address: '10.1.0.3' })];
    await mirror.put([one, other], noEnd);

    await mirror.remove([one], noEnd);
    await mirror.remove([one, fullInstance({ id: 'never-there' })], noEnd);

    expect((await mirror.listOwn(noEnd)).map(({ id }) => id)).toEqual(['web-2']);
  });

  test('many at once are all there, and all gone again', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    const many = Array.from({ length: 100 }, (_, at) =>
      fullInstance({ id: `web-${at}`, address: `10.1.0.${at}` }),
    );

    await mirror.put(many, noEnd);
    const listed = await mirror.listOwn(noEnd);
    await mirror.remove(many, noEnd);

    expect(listed).toHaveLength(100);
    expect(await mirror.listOwn(noEnd)).toEqual([]);
  });

  test('a call whose signal has been given already rejects', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    const ended = AbortSignal.abort(new Error('ended'));

    await expect(mirror.put([fullInstance()], ended)).rejects.toThrow();
    await expect(mirror.listOwn(ended)).rejects.toThrow();
  });
}

function testOwnership(create: Create): void {
  test('are neither listed as own, nor changed by a put or remove of the same id', async () => {
    await using subject = await create();
    await using mine = subject.machine('n1');
    await using theirs = subject.machine('n2');
    const foreign = fullInstance({ address: '10.2.0.2', owner: containerOwner({ node: 'n2' }) });
    await theirs.put([foreign], noEnd);

    const before = await mine.listOwn(noEnd);
    await mine.put([fullInstance()], noEnd);
    const both = await mine.query(web, noEnd);
    await mine.remove([fullInstance()], noEnd);
    await mine.remove([foreign], noEnd);

    expect(before).toEqual([]);
    expect(both.map(({ address }) => address).sort()).toEqual(['10.1.0.2', '10.2.0.2']);
    expect(kept(await theirs.listOwn(noEnd), subject)).toEqual(kept([foreign], subject));
  });

  test('stay when this machine makes its own equal to its store', async () => {
    await using subject = await create();
    await using mine = subject.machine('n1');
    await using theirs = subject.machine('n2');
    using local = temporaryStore();
    await theirs.put([fullInstance({ id: 'foreign-1' })], noEnd);
    await mine.put([fullInstance({ id: 'stale-1' })], noEnd);

    await resync(local.store, mine, noEnd);

    expect(await mine.listOwn(noEnd)).toEqual([]);
    expect((await theirs.listOwn(noEnd)).map(({ id }) => id)).toEqual(['foreign-1']);
  });
}

function testQuery(create: Create): void {
  test('gives the healthy instances of exactly that service', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    await mirror.put(
      [
        fullInstance({ id: 'web-1' }),
        fullInstance({ id: 'web-2', address: '10.1.0.3', status: 'critical' }),
        fullInstance({ id: 'web-3', address: '10.1.0.4', status: 'draining' }),
        fullInstance({ id: 'web-4', address: '10.1.0.5', status: 'maintenance' }),
        fullInstance({ id: 'api-1', address: '10.1.0.6', service: 'api' }),
        fullInstance({ id: 'shop-1', address: '10.1.0.7', namespace: 'shop' }),
      ],
      noEnd,
    );

    const found = await mirror.query(web, noEnd);

    expect(found.map(({ id, address, port }) => [id, address, port])).toEqual([['web-1', '10.1.0.2', 80]]);
    expect(await mirror.query({ ...web, service: 'nobody' }, noEnd)).toEqual([]);
  });
}

function testWatch(create: Create): void {
  test('tells first what there is, also if that is nothing, and then each change until the signal', async () => {
    await using subject = await create();
    await using mine = subject.machine('n1');
    await using theirs = subject.machine('n2');
    const end = new AbortController();
    const watching = mine.watch(web, end.signal)[Symbol.asyncIterator]();

    const first = await watching.next();
    await theirs.put([fullInstance()], noEnd);
    const come = await nextWith(watching, 1);
    await theirs.put([fullInstance({ revision: 8, status: 'critical' })], noEnd);
    const sick = await nextWith(watching, 0);
    await theirs.put([fullInstance({ revision: 9 })], noEnd);
    await nextWith(watching, 1);
    await theirs.remove([fullInstance()], noEnd);
    const gone = await nextWith(watching, 0);
    end.abort();

    expect([first.value, come?.map(({ id }) => id), sick, gone]).toEqual([[], ['web-1'], [], []]);
    expect(await watching.next()).toMatchObject({ done: true });
  });

  test('ends at once where the signal has been given already', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    const told: unknown[] = [];
    for await (const instances of mirror.watch(web, AbortSignal.abort())) told.push(instances);

    expect(told).toEqual([]);
  });
}

/** What a watch tells once it tells of so many; a change may be told twice, or with the one after it. */
async function nextWith(
  watching: AsyncIterator<readonly Instance[]>,
  count: number,
): Promise<readonly Instance[] | undefined> {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    const { value, done } = await watching.next();
    if (done === true || value.length === count) return done === true ? undefined : value;
  }
  throw new Error(`the watch has not told of ${count} instances within ${patienceMs} ms`);
}

function testDelivery(create: Create): void {
  test('a first delivery brings everything, a later one what has changed since', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    using local = temporaryStore();
    registerNumbered(local.store, 1);
    registerNumbered(local.store, 2);

    const first = await deliver(local.store, mirror, noEnd);
    local.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 2_000_000);
    registerNumbered(local.store, 3);
    const later = await deliver(local.store, mirror, noEnd);
    const nothing = await deliver(local.store, mirror, noEnd);

    expect([first, later, nothing]).toMatchObject([
      { put: 2, removed: 0 },
      { put: 1, removed: 1 },
      { put: 0, removed: 0 },
    ]);
    await expectEqual(subject, mirror, local.store);
  });

  test('after an outage everything arrives that happened meanwhile', async (context) => {
    await using subject = await create();
    if (subject.outage === undefined) return context.skip('this registry cannot be made unreachable');
    await using mirror = subject.machine('n1');
    using local = temporaryStore();
    registerNumbered(local.store, 1);
    await deliver(local.store, mirror, noEnd);
    {
      await using _outage = await subject.outage();
      registerNumbered(local.store, 2);
      local.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 2_000_000);
      await expect(deliver(local.store, mirror, noEnd)).rejects.toThrow();
      await expect(mirror.query(web, noEnd)).rejects.toThrow();
    }

    await deliver(local.store, mirror, noEnd);

    await expectEqual(subject, mirror, local.store);
  });

  test('however many changes lie between deliveries, the last one leaves the registry equal to the store', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    using local = temporaryStore();
    const random = new Random();
    for (let round = 0; round < 60; round++) {
      changeAtRandom(local.store, random, round);
      if (random.below(4) === 0) await deliver(local.store, mirror, noEnd);
    }
    await deliver(local.store, mirror, noEnd);

    await expectEqual(subject, mirror, local.store);
  });

  test('what somebody else has taken away or left over is made good by a resync', async () => {
    await using subject = await create();
    await using mirror = subject.machine('n1');
    using local = temporaryStore();
    for (let number = 0; number < 6; number++) registerNumbered(local.store, number);
    await deliver(local.store, mirror, noEnd);
    await mirror.remove(local.store.instances().slice(0, 3), noEnd);
    await mirror.put([fullInstance({ id: 'left-over' })], noEnd);

    expect(await resync(local.store, mirror, noEnd)).toMatchObject({ put: 3, removed: 1 });
    await expectEqual(subject, mirror, local.store);
    expect(await resync(local.store, mirror, noEnd)).toMatchObject({ put: 0, removed: 0 });
  });
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

async function expectEqual(subject: MirrorSubject, mirror: Mirror, store: Store): Promise<void> {
  expect(kept(await mirror.listOwn(noEnd), subject)).toEqual(kept(store.instances(), subject));
}
