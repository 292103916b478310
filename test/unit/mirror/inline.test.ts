import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { MirrorConfig } from '../../../lib/mirror/config.ts';
import { deliverInline, type InlineJob } from '../../../lib/mirror/inline.ts';
import type { OutsideRegistry } from '../../../lib/mirror/mirror.ts';
import { toldKey } from '../../../lib/mirror/told.ts';
import { hold } from '../../../lib/registry/presence.ts';
import { registerNumbered, type TemporaryStore, temporaryStore } from '../../support/registrations.ts';

/** A mirror in memory: what stands there, and what a test has it do before it takes something. */
function memoryMirror(name: string, { kind = 'etcd', place = 'here', before }: MemoryOptions = {}) {
  const entries = new Map<string, string>();
  const registry: Partial<OutsideRegistry> = {
    name,
    render: ({ id }) => [{ key: id, content: id }],
    put: async (put, signal) => {
      await before?.(signal);
      for (const { key, content } of put) entries.set(key, content);
      return [];
    },
    remove: async (keys) => {
      for (const key of keys) entries.delete(key);
      return [];
    },
    listOwn: async () => [...entries].map(([key, content]) => ({ key, content })),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const config: MirrorConfig = {
    name,
    kind,
    place,
    isWritten: true,
    isRequired: true,
    imports: undefined,
    open: () => registry as OutsideRegistry,
  };
  return { config, entries };
}

type MemoryOptions = {
  readonly kind?: string;
  readonly place?: string;
  readonly before?: (signal: AbortSignal) => Promise<void>;
};

/** Never, until the time is over. */
const standing = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

function jobOf({ store }: TemporaryStore, mirrors: readonly MirrorConfig[], said: Partial<InlineJob> = {}) {
  return { mirrors, store, revision: store.revision(), timeoutMs: 300, spentMs: 0, ...said };
}

describe('delivering without an agent', () => {
  test('tells every mirror, and says of those that need the agent that they do', async () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const etcd = memoryMirror('main');
    const zookeeper = memoryMirror('zoo', { kind: 'zookeeper' });

    const outcome = await deliverInline(jobOf(temporary, [etcd.config, zookeeper.config]));

    expect(outcome).toEqual([
      { name: 'main', kind: 'etcd', state: 'delivered' },
      { name: 'zoo', kind: 'zookeeper', state: 'needs-agent', because: expect.stringContaining('agent') },
    ]);
    expect([[...etcd.entries.keys()], zookeeper.entries.size]).toEqual([['c1-1'], 0]);
    expect(temporary.store.mirrored(toldKey(etcd.config, 'none'))).toBe(temporary.store.revision());
  });

  test('one that stands still fails when the time is over, counted from the beginning of the process', async () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const [well, frozen] = [memoryMirror('well'), memoryMirror('frozen', { before: standing })];
    const startedAt = performance.now();

    const job = jobOf(temporary, [well.config, frozen.config], { timeoutMs: 2_000, spentMs: 1_800 });
    const outcome = await deliverInline(job);

    expect(outcome).toMatchObject([
      { name: 'well', state: 'delivered' },
      { name: 'frozen', state: 'failed', because: 'it has not confirmed within 2 s' },
    ]);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  test('while one stands still, the others are told what comes meanwhile', async () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const [well, frozen] = [memoryMirror('well'), memoryMirror('frozen', { before: standing })];

    const delivering = deliverInline(
      jobOf(temporary, [well.config, frozen.config], { timeoutMs: 2_000, spentMs: 0 }),
    );
    await sleep(200);
    registerNumbered(temporary.store, 2);
    const waiting = await deliverInline(jobOf(temporary, [well.config], { timeoutMs: 1_500 }));

    expect(waiting).toEqual([{ name: 'well', kind: 'etcd', state: 'delivered' }]);
    expect([...well.entries.keys()]).toEqual(['c1-1', 'c2-1']);
    expect(await delivering).toMatchObject([{ state: 'delivered' }, { state: 'failed' }]);
  });

  test('where another one delivers, its confirmation is waited for', async () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const mirror = memoryMirror('main');
    using _ = hold('delivery', temporary.path);

    const tooLate = await deliverInline(jobOf(temporary, [mirror.config], { timeoutMs: 100 }));
    const inTime = deliverInline(jobOf(temporary, [mirror.config], { timeoutMs: 5_000 }));
    temporary.store.setMirrored(toldKey(mirror.config, 'none'), temporary.store.revision());

    expect(tooLate).toMatchObject([{ state: 'waiting', because: expect.stringContaining('within 0.1 s') }]);
    expect(await inTime).toMatchObject([{ state: 'delivered' }]);
    expect(mirror.entries.size).toBe(0);
  });

  test('the same name for another registry has been told nothing', async () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const [before, after] = [memoryMirror('main'), memoryMirror('main', { place: 'there' })];

    const outcomes = [];
    for (const { config } of [before, after]) outcomes.push(await deliverInline(jobOf(temporary, [config])));

    expect(outcomes).toMatchObject([[{ state: 'delivered' }], [{ state: 'delivered' }]]);
    expect([[...before.entries.keys()], [...after.entries.keys()]]).toEqual([['c1-1'], ['c1-1']]);
  });

  test('what an agent has told is compared as a whole, once it has ended', async () => {
    using temporary = temporaryStore();
    const mirror = memoryMirror('main');
    registerNumbered(temporary.store, 1);
    temporary.store.setMirrored(toldKey(mirror.config, 'held'), temporary.store.revision());

    const taken = await deliverInline(jobOf(temporary, [mirror.config]));
    mirror.entries.clear();
    registerNumbered(temporary.store, 2);
    await deliverInline(jobOf(temporary, [mirror.config]));

    expect(taken).toMatchObject([{ state: 'delivered' }]);
    expect([...mirror.entries.keys()], 'the second time, what is new').toEqual(['c2-1']);
  });

  test('what an agent has told counts while it runs', async () => {
    using temporary = temporaryStore();
    const mirror = memoryMirror('main');
    registerNumbered(temporary.store, 1);
    using _ = hold('agent', temporary.path);
    temporary.store.setMirrored(toldKey(mirror.config, 'held'), temporary.store.revision());

    expect(await deliverInline(jobOf(temporary, [mirror.config]))).toMatchObject([{ state: 'delivered' }]);
    expect(mirror.entries.size).toBe(0);
  });
});
