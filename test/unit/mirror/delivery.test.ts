import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { Deliverer } from '../../../lib/mirror/delivery.ts';
import type { Mirror } from '../../../lib/mirror/mirror.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { setAside } from '../../../lib/registry/set-aside.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { registerNumbered, temporaryStore } from '../../support/registrations.ts';
import { instanceOf } from '../../support/registry.ts';

const noEnd = new AbortController().signal;

/** A mirror that writes down what it is told, and fails when told to. */
function createRecorder(first: readonly Instance[] = []) {
  const entries = new Map<string, Instance>(first.map((instance) => [instance.id, instance]));
  const log: string[] = [];
  let failing: 'put' | 'remove' | undefined;
  const note = (what: 'put' | 'remove', keys: readonly string[]) => {
    if (failing === what) throw new Error(`the registry refuses to ${what}`);
    log.push(`${what} ${keys.join(' ')}`);
    return [];
  };
  const mirror: Mirror = {
    name: 'recorder',
    render: (instance) => [{ key: instance.id, content: JSON.stringify(instance) }],
    put: async (put) => {
      for (const { key, content } of put) if (failing !== 'put') entries.set(key, JSON.parse(content));
      return note(
        'put',
        put.map(({ key }) => key),
      );
    },
    remove: async (keys) => {
      for (const key of keys) if (failing !== 'remove') entries.delete(key);
      return note('remove', keys);
    },
    listOwn: async () => [...entries].map(([key, instance]) => ({ key, content: JSON.stringify(instance) })),
    run: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return {
    mirror,
    entries,
    /** What was told since the last call. */
    told: () => log.splice(0),
    failAt: (what: 'put' | 'remove' | undefined) => {
      failing = what;
    },
  };
}

const deliverers = new WeakMap<Mirror, { readonly store: Store; readonly deliverer: Deliverer }>();

/** By the same process, as long as the mirror is the same. */
function delivererOf(store: Store, mirror: Mirror): Deliverer {
  const known = deliverers.get(mirror);
  if (known?.store === store) return known.deliverer;
  const deliverer = new Deliverer(store, mirror);
  deliverers.set(mirror, { store, deliverer });
  return deliverer;
}

const deliver = (store: Store, mirror: Mirror, signal: AbortSignal) =>
  delivererOf(store, mirror).deliver(signal);
/** By a process that begins anew. */
const resync = (store: Store, mirror: Mirror, signal: AbortSignal) =>
  new Deliverer(store, mirror).resync(signal);

const keyOf = (number: number) => ({ network: 'net', containerId: `c${number}`, ifName: 'eth0' });

test('of several changes of one instance only the last is told', async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const { mirror, told } = createRecorder();
  await deliver(store, mirror, noEnd);
  registerNumbered(store, 1);
  registerNumbered(store, 2);
  store.update('c1-1', { status: 'critical' });
  store.update('c1-1', { status: 'passing', weight: 5 });
  store.withdraw(keyOf(2), 2_000_000);

  expect(await deliver(store, mirror, noEnd)).toEqual({ put: 1, removed: 1, revision: temporary.first + 5 });
  expect(told()).toEqual(['remove c2-1', 'put c1-1']);
});

test('removals are told first: a new owner of an address must not meet the old one there', async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const { mirror, told } = createRecorder();
  registerNumbered(store, 1);
  await deliver(store, mirror, noEnd);
  registerNumbered(store, 2, { address: '10.1.0.1' });

  await deliver(store, mirror, noEnd);

  expect(told()).toEqual(['put c1-1', 'remove c1-1', 'put c2-1']);
});

test('what was removed and registered again is put', async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const { mirror, told } = createRecorder();
  registerNumbered(store, 1);
  await deliver(store, mirror, noEnd);
  store.withdraw(keyOf(1), 0);
  registerNumbered(store, 1);

  await deliver(store, mirror, noEnd);

  expect(told()).toEqual(['put c1-1', 'put c1-1']);
});

test('where nothing has changed, nobody is told and nothing is written', async () => {
  using temporary = temporaryStore();
  const { mirror, told } = createRecorder();
  registerNumbered(temporary.store, 1);
  await deliver(temporary.store, mirror, noEnd);
  told();
  const reader = temporary.reopen();
  const before = reader.dataVersion();

  expect(await deliver(temporary.store, mirror, noEnd)).toEqual({
    put: 0,
    removed: 0,
    revision: temporary.first + 1,
  });
  expect([told(), reader.dataVersion()]).toEqual([[], before]);
});

test.each(['put', 'remove'] as const)(
  'after a %s that fails, the next delivery begins at the same place',
  async (what) => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const { mirror, entries, told, failAt } = createRecorder();
    registerNumbered(store, 1);
    await deliver(store, mirror, noEnd);
    store.withdraw(keyOf(1), 2_000_000);
    registerNumbered(store, 2);
    failAt(what);

    await expect(deliver(store, mirror, noEnd)).rejects.toThrow(`refuses to ${what}`);
    expect(store.mirrored('recorder')).toBe(temporary.first + 1);
    failAt(undefined);
    told();
    await deliver(store, mirror, noEnd);

    expect(told()).toEqual(['remove c1-1', 'put c2-1']);
    expect([[...entries.keys()], store.mirrored('recorder')]).toEqual([['c2-1'], temporary.first + 3]);
  },
);

test('each mirror has a place of its own in the history', async () => {
  using temporary = temporaryStore();
  const [one, other] = [createRecorder(), createRecorder()];
  registerNumbered(temporary.store, 1);
  await deliver(temporary.store, one.mirror, noEnd);

  await deliver(temporary.store, { ...other.mirror, name: 'other' }, noEnd);

  expect([...other.entries.keys()]).toEqual(['c1-1']);
});

test('what one process was refused, another one does not forget by telling of something else', async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const { mirror } = createRecorder();
  const refusing = { ...mirror, put: async () => [{ key: 'c1-1', because: 'no right' }] };
  registerNumbered(store, 1);
  await new Deliverer(store, refusing).deliver(noEnd);
  registerNumbered(store, 2);

  await new Deliverer(store, mirror).deliver(noEnd);
  const meanwhile = [...store.refusals(mirror.name)];
  store.update('c1-1', { weight: 2 });
  await new Deliverer(store, mirror).deliver(noEnd);

  expect(meanwhile).toEqual([['c1-1', 'no right']]);
  expect([...store.refusals(mirror.name)]).toEqual([]);
});

describe('a mirror that does not know what the store knows', () => {
  test('is compared with all of it where the history does not reach back so far', async () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const { mirror, entries, told } = createRecorder();
    for (const number of [1, 2, 3]) registerNumbered(store, number);
    await deliver(store, mirror, noEnd);
    store.withdraw(keyOf(1), 2_000_000);
    store.update('c2-1', { weight: 9 });
    registerNumbered(store, 4);
    forgetHistory(temporary.path, temporary.first + 5);
    told();

    expect(await deliver(store, mirror, noEnd)).toEqual({
      put: 2,
      removed: 1,
      revision: temporary.first + 6,
    });
    expect(told()).toEqual(['remove c1-1', 'put c2-1 c4-1']);
    expect([...entries.values()].map(({ id, weight }) => [id, weight])).toEqual([
      ['c2-1', 9],
      ['c3-1', 1],
      ['c4-1', 1],
    ]);
  });

  test('a resync puts back what somebody has taken away there, and takes away what is not here', async () => {
    using temporary = temporaryStore();
    const { mirror, entries, told } = createRecorder();
    registerNumbered(temporary.store, 1);
    registerNumbered(temporary.store, 2);
    await deliver(temporary.store, mirror, noEnd);
    entries.delete('c1-1');
    entries.set('old', instanceOf({ id: 'old' }));
    told();

    await resync(temporary.store, mirror, noEnd);

    expect(told()).toEqual(['remove old', 'put c1-1']);
  });

  test('what a store that was lost had put there is taken away by the first delivery of the new one', async () => {
    using temporary = temporaryStore();
    const { mirror, entries } = createRecorder();
    registerNumbered(temporary.store, 1);
    registerNumbered(temporary.store, 2);
    await deliver(temporary.store, mirror, noEnd);
    setAside(temporary.path, new Date(0));
    const anew = temporary.reopen();
    registerNumbered(anew, 2);

    await deliver(anew, mirror, noEnd);

    expect([...entries.keys()]).toEqual(['c2-1']);
  });

  test('what a store that was lost had put there is put anew, also if its revision happens to be the same', async () => {
    using temporary = temporaryStore();
    const { mirror, entries } = createRecorder();
    registerNumbered(temporary.store, 1, { weight: 1 });
    await deliver(temporary.store, mirror, noEnd);
    setAside(temporary.path, new Date(0));
    const anew = temporary.reopen();
    registerNumbered(anew, 1, { weight: 9 });

    await resync(anew, mirror, noEnd);

    expect(entries.get('c1-1')?.weight).toBe(9);
  });
});

describe('a comparison tells of strangers', () => {
  test('which nobody here has written', async () => {
    using temporary = temporaryStore();
    const { mirror, entries } = createRecorder();
    registerNumbered(temporary.store, 1);
    const deliverer = new Deliverer(temporary.store, mirror);
    await deliverer.resync(noEnd);
    entries.set('other', instanceOf({ id: 'other' }));

    await deliverer.resync(noEnd);
    const strangers = [...deliverer.strangers];
    await deliverer.resync(noEnd);

    expect([strangers, deliverer.strangers]).toEqual([['other'], []]);
  });

  test('but not of what has gone here a moment ago, and which the registry still shows', async () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const { mirror, entries } = createRecorder();
    registerNumbered(store, 1);
    const deliverer = new Deliverer(store, mirror);
    await deliverer.resync(noEnd);
    const [shown] = entries.values();
    store.withdraw(keyOf(1), 2_000_000);
    await deliverer.deliver(noEnd);
    if (shown !== undefined) entries.set(shown.id, shown);

    await deliverer.resync(noEnd);

    expect([deliverer.strangers, entries.size]).toEqual([[], 0]);
  });
});

/** What trimming does once there have been ten thousand revisions. */
function forgetHistory(path: string, upTo: number): void {
  const database = new DatabaseSync(path);
  database.prepare('DELETE FROM changes WHERE revision <= ?').run(upTo);
  database.close();
}
