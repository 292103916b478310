import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Change, Instance } from '../../lib/registry/instance.ts';
import { draftOf, registerNumbered, registrationOf, temporaryStore } from '../support/registrations.ts';

const c1 = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const two = [draftOf({ id: 'c1-1' }), draftOf({ id: 'c1-2', address: 'fd00::2' })];
const idsOf = (instances: readonly Instance[]) => instances.map(({ id }) => id);
const toldOf = (changes: readonly Change[] | undefined) =>
  changes?.map(({ revision, kind, instance }) => `${revision} ${kind} ${instance.id}`);

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
      return store.revision();
    });

    expect(seen).toEqual([1, 2, 2, 2, 3, 3, 4, 4, 5, 5]);
    expect(toldOf(store.changesSince(3))).toEqual(['4 remove x', '5 remove c1-1', '5 remove c1-2']);
  });

  test('the history answers from any revision that it reaches back to, and else says that it does not', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    expect([store.changesSince(0), store.changesSince(1), store.changesSince(-1)]).toEqual([
      [],
      undefined,
      undefined,
    ]);
    registerNumbered(store, 1);
    registerNumbered(store, 2);

    expect(toldOf(store.changesSince(0))).toEqual(['1 put c1-1', '2 put c2-1']);
    expect(toldOf(store.changesSince(1))).toEqual(['2 put c2-1']);
    expect([store.changesSince(2), store.changesSince(3)]).toEqual([[], undefined]);
  });

  test('a change shows the instance as it is after a put, and as it was before a remove', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    registerNumbered(store, 1);
    store.update('c1-1', { weight: 5 });
    store.withdraw(c1, 2_000_000);

    expect(store.changesSince(0)?.map(({ kind, instance }) => [kind, instance.weight])).toEqual([
      ['put', 1],
      ['put', 5],
      ['remove', 5],
    ]);
  });

  test('ten thousand are kept, and what is older is forgotten now and then', () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    registerNumbered(temporary.store, 2);
    const database = new DatabaseSync(temporary.path);
    database.exec("UPDATE meta SET value = 10238 WHERE key = 'revision'");
    registerNumbered(temporary.store, 3);
    const before = database.prepare('SELECT count(*) AS count FROM changes').get()?.count;
    registerNumbered(temporary.store, 4);
    database.close();

    expect([before, temporary.store.changesSince(2)]).toEqual([3, undefined]);
    expect(toldOf(temporary.store.changesSince(10_238))).toEqual(['10239 put c3-1', '10240 put c4-1']);
  });

  test('what a mirror has been told is remembered, for each mirror', () => {
    using temporary = temporaryStore();
    temporary.store.setMirrored('consul', 5);
    temporary.store.setMirrored('consul', 7);

    expect(['consul', 'etcd'].map((name) => temporary.reopen().mirrored(name))).toEqual([7, 0]);
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
    expect(toldOf(later.changesSince(2))).toEqual(['3 remove c1-1', '3 remove c1-2', '3 put c2-1']);
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
