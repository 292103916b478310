import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Change, Instance } from '../../lib/registry/instance.ts';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import {
  draftOf,
  registerNumbered,
  registrationOf,
  type TemporaryStore,
  temporaryStore,
} from '../support/registrations.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const c1 = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const two = [draftOf({ id: 'c1-1' }), draftOf({ id: 'c1-2', address: 'fd00::2' })];
const idsOf = (instances: readonly Instance[]) => instances.map(({ id }) => id);
/** The history, each change as `+<commits> <kind> <id>`, from so many commits after the beginning. */
const toldSince = ({ store, first }: TemporaryStore, commits = 0) =>
  store
    .changesSince(first + commits)
    ?.map(({ revision, kind, instance }: Change) => `+${revision - first} ${kind} ${instance.id}`);

describe('revisions', () => {
  test('grow by one with each commit that changes something', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const seen = [
      () => store.register(registrationOf({ instances: two })),
      () => store.update('c1-1', { weight: 2 }),
      () => store.update('nobody', { weight: 2 }),
      () => store.updateAll(new Map()),
      () => store.put(draftOf({ id: 'x', address: '10.1.0.8' })),
      () => store.remove(['nobody']),
      () => store.remove(['x']),
      () => store.setMirrored('m', 3),
      () => store.withdraw(c1, 2_000_000),
      () => store.withdraw(c1, 2_000_000),
    ].map((act) => {
      act();
      return store.revision() - temporary.first;
    });

    expect(seen).toEqual([1, 2, 2, 2, 3, 3, 4, 4, 5, 5]);
    expect(toldSince(temporary, 3)).toEqual(['+4 remove x', '+5 remove c1-1', '+5 remove c1-2']);
  });

  test('the history answers from any revision that it reaches back to, and else says that it does not', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    expect([0, 1, -1].map((commits) => toldSince(temporary, commits))).toEqual([[], undefined, undefined]);
    registerNumbered(store, 1);
    registerNumbered(store, 2);

    expect(toldSince(temporary, 0)).toEqual(['+1 put c1-1', '+2 put c2-1']);
    expect(toldSince(temporary, 1)).toEqual(['+2 put c2-1']);
    expect([2, 3, -1].map((commits) => toldSince(temporary, commits))).toEqual([[], undefined, undefined]);
  });

  test('a change shows the instance as it is after a put, and as it was before a remove', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    registerNumbered(store, 1);
    store.update('c1-1', { weight: 5 });
    store.withdraw(c1, 2_000_000);

    expect(store.changesSince(temporary.first)?.map(({ kind, instance }) => [kind, instance.weight])).toEqual(
      [
        ['put', 1],
        ['put', 5],
        ['remove', 5],
      ],
    );
  });

  test('ten thousand are kept, and what is older is forgotten now and then', () => {
    using temporary = temporaryStore();
    const { store, first } = temporary;
    registerNumbered(store, 1);
    registerNumbered(store, 2);
    // Forgetting comes with every 256th revision; this is the one before the next but forty.
    const late = (Math.ceil(first / 256) + 40) * 256 - 2;
    using database = new DatabaseSync(temporary.path);
    database.prepare("UPDATE meta SET value = ? WHERE key = 'revision'").run(late);
    registerNumbered(store, 3);
    const before = database.prepare('SELECT count(*) AS count FROM changes').get()?.count;
    registerNumbered(store, 4);

    expect([before, store.changesSince(first), store.changesSince(first + 2)]).toEqual([
      3,
      undefined,
      undefined,
    ]);
    expect(store.changesSince(late)?.map(({ instance }) => instance.id)).toEqual(['c3-1', 'c4-1']);
  });

  test('begin where the store was told to when it was made, and nowhere else later', () => {
    using dir = temporaryDirectory();
    const location = { path: `${dir.path}/registry.db`, bootId: 'b' };
    using made = openStore({ ...location, firstRevision: 1_795_000_000_000 });
    using opened = openStore({ ...location, firstRevision: 1_796_000_000_000 });

    expect([made.revision(), opened.revision()]).toEqual([1_795_000_000_000, 1_795_000_000_000]);
    expect(made.put(draftOf()).revision).toBe(1_795_000_000_001);
  });

  test('what a mirror has been told is remembered, for each mirror', () => {
    using temporary = temporaryStore();
    temporary.store.setMirrored('consul', 5);
    temporary.store.setMirrored('consul', 7);

    expect(['consul', 'etcd'].map((name) => temporary.reopen().mirrored(name))).toEqual([7, undefined]);
  });

  test('of what one mirror was told in several ways, the last alone counts', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.setMirrored('main', 1);
    store.setMirrored('main@a/held', 5, new Map([['c1-1', 'too long']]));
    store.setMirrored('mains@a/held', 6);
    store.setMirrored('main@a/none', 7);

    const keys = ['main', 'main@a/held', 'mains@a/held', 'main@a/none'];
    expect(keys.map((key) => store.mirrored(key))).toEqual([1, undefined, 6, 7]);
    expect(store.refusals('main@a/held').size).toBe(0);
  });

  test('dataVersion tells of the commits of others', () => {
    using temporary = temporaryStore();
    const reader = temporary.reopen();
    const before = reader.dataVersion();
    expect(reader.dataVersion()).toBe(before);
    registerNumbered(temporary.store, 1);

    expect(reader.dataVersion()).not.toBe(before);
  });
});

describe('a new boot of the machine', () => {
  test('takes away what was attached before it, with the next commit; what the API registered stays', () => {
    using temporary = temporaryStore();
    temporary.store.register(registrationOf({ instances: two }));
    temporary.store.put(draftOf({ id: 'db-1', address: '10.9.0.1' }));
    const later = temporary.reopen('next-boot');

    later.register(
      registrationOf({
        containerId: 'c2',
        proof: { bootId: 'next-boot' },
        startedAtUs: 5,
        instances: [draftOf({ id: 'c2-1', address: '10.1.0.9' })],
      }),
    );

    expect(idsOf(later.instances())).toEqual(['db-1', 'c2-1']);
    expect(later.attachments().map(({ containerId }) => containerId)).toEqual(['c2']);
    expect(toldSince({ ...temporary, store: later }, 2)).toEqual([
      '+3 remove c1-1',
      '+3 remove c1-2',
      '+3 put c2-1',
    ]);
  });

  test('forgets the DELs of the boot before it, whose clock is not its own', () => {
    using temporary = temporaryStore();
    temporary.store.withdraw(c1, 9_000_000_000);
    const later = temporary.reopen('next-boot');

    const registered = later.register(registrationOf({ proof: { bootId: 'next-boot' }, startedAtUs: 5 }));

    expect(registered).toHaveLength(1);
  });

  test('a DEL is enough for that, and happens once', () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const later = temporary.reopen('next-boot');

    later.withdraw({ ...c1, containerId: 'c2' }, 5);
    later.register(registrationOf({ containerId: 'c3', proof: { bootId: 'next-boot' }, startedAtUs: 6 }));
    later.withdraw({ ...c1, containerId: 'c2' }, 7);

    expect(later.attachments().map(({ containerId }) => containerId)).toEqual(['c3']);
  });
});
