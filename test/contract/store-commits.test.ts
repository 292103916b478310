import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Instance } from '../../lib/registry/instance.ts';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import type { Store } from '../../lib/registry/store.ts';
import { run, startBeside } from '../support/process.ts';
import { Random } from '../support/random.ts';
import {
  bootId,
  draftOf,
  registerNumbered,
  registrationOf,
  temporaryStore,
} from '../support/registrations.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// Each commit is all or nothing, whoever else writes, and whenever a process is killed.

const c1 = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const two = [draftOf({ id: 'c1-1' }), draftOf({ id: 'c1-2', address: 'fd00::2' })];

const writes: Record<string, (store: Store) => unknown> = {
  'a new registration': (store) =>
    store.register(registrationOf({ containerId: 'c9', instances: [draftOf({ id: 'c9-1' })] })),
  'a registration that replaces another': (store) =>
    store.register(registrationOf({ instances: two.toReversed() })),
  'a withdrawal': (store) => store.withdraw(c1, 2_000_000),
  'a put': (store) => store.put(draftOf({ id: 'api-1', weight: 9 })),
  'an update of many': (store) => store.updateAll(new Map(['c1-1', 'c1-2'].map((id) => [id, { weight: 9 }]))),
  'a removal': (store) => store.remove(['c1-1', 'c1-2']),
  'the first commit of a new boot': (store) => store.withdraw({ ...c1, containerId: 'c2' }, 5),
};

test.each(Object.entries(writes))('%s that fails late leaves nothing of it', (name, write) => {
  using temporary = temporaryStore();
  temporary.store.register(registrationOf({ instances: two }));
  temporary.store.put(draftOf({ id: 'api-1', address: '10.9.0.1' }));
  using database = new DatabaseSync(temporary.path);
  database.exec(
    "CREATE TRIGGER refuse BEFORE UPDATE ON meta WHEN NEW.key = 'revision' BEGIN SELECT RAISE(ABORT, 'refused'); END",
  );
  const store = temporary.reopen(...(name.includes('new boot') ? ['next-boot'] : []));
  const before = dump(database);

  expect(() => write(store)).toThrow('refused');

  expect(dump(database)).toEqual(before);
  database.exec('DROP TRIGGER refuse');
  write(store);
  expect(dump(database)).not.toEqual(before);
});

test('a registration whose second instance cannot be written leaves nothing of the first', () => {
  using temporary = temporaryStore();
  const bad = { ...draftOf({ id: 'c1-2', address: '10.1.0.3' }), meta: { a: 1n as unknown as string } };

  expect(() =>
    temporary.store.register(registrationOf({ instances: [draftOf({ id: 'c1-1' }), bad] })),
  ).toThrow();

  expect([temporary.store.instances(), temporary.store.attachments()]).toEqual([[], []]);
  expect(temporary.store.revision()).toBe(temporary.first);
});

/** All rows of all tables. */
function dump(database: DatabaseSync): object {
  const tables = ['meta', 'attachments', 'instances', 'changes', 'mirrors'];
  return Object.fromEntries(tables.map((table) => [table, database.prepare(`SELECT * FROM ${table}`).all()]));
}

const script = resolve(import.meta.dirname, '../support/register-many.ts');

/** The revisions that a process has told of, each after its commit. */
function revisionsIn(stdout: string): readonly number[] {
  const lines = stdout.split('\n').filter((line) => /^\d+$/.test(line));
  return lines.map(Number);
}

describe('several processes', () => {
  test('that make the store and write at once lose nothing, and no two commits have one revision', async () => {
    using dir = temporaryDirectory();
    const path = `${dir.path}/new/registry.db`;
    const prefixes = ['a', 'bb', 'ccc', 'dddd'];

    const outcomes = await Promise.all(
      prefixes.map((prefix) => run({ file: process.execPath, args: [script, path, prefix, '200'] })),
    );

    expect(outcomes.map(({ status, stderr }) => [status, stderr])).toEqual(prefixes.map(() => [0, '']));
    using store = openStore({ path, bootId });
    store.verify();
    const revisions = outcomes.flatMap(({ stdout }) => revisionsIn(stdout));
    expect(revisions).toHaveLength(4 * 250);
    expect(new Set(revisions).size).toBe(4 * 250);
    expect(store.attachments()).toHaveLength(4 * 150);
    expect(new Set(store.instances().map(({ owner }) => owner.node))).toEqual(new Set([store.node]));
    expect(store.instances()).toHaveLength(4 * 150 * 2);
    expect(store.changesSince(store.revision() - 4 * 250)).toHaveLength(4 * 500);
    expect(idsOf(replay(store))).toEqual(idsOf(store.instances()));
  }, 60_000);

  test('that are killed while they write leave whole commits only, all that they told of, and keep nobody waiting', async () => {
    using temporary = temporaryStore();
    const random = new Random();
    const told: number[] = [];
    for (let round = 0; round < 4; round++) {
      const args = (each: string) => [script, temporary.path, `${each}-${round}`, '100000'];
      const killed = await Promise.all(['a', 'bb'].map((each) => startBeside(process.execPath, args(each))));
      await sleep(5 + random.below(60));
      for (const each of killed) await each[Symbol.asyncDispose]();
      for (const each of killed) told.push(...revisionsIn(await each.ended));
      registerNumbered(temporary.store, round);
    }

    const { store } = temporary;
    store.verify();
    const committed = new Set(store.changesSince(temporary.first)?.map(({ revision }) => revision));
    expect(told.length).toBeGreaterThan(4);
    expect(told.filter((revision) => !committed.has(revision))).toEqual([]);
    for (const attachment of store.attachments().filter(({ network }) => network !== 'net'))
      expect(store.ofAttachment(attachment)).toHaveLength(2);
    expect(idsOf(replay(store))).toEqual(idsOf(store.instances()));
  }, 60_000);
});

function idsOf(instances: readonly Instance[]): readonly string[] {
  return instances.map(({ id }) => id).sort();
}

/** The instances that the history leads to. */
function replay(store: Store): readonly Instance[] {
  using database = new DatabaseSync(store.path);
  const first = database.prepare('SELECT min(revision) - 1 AS first FROM changes').get()?.first;
  const instances = new Map<string, Instance>();
  for (const { kind, instance } of store.changesSince(Number(first)) ?? []) {
    if (kind === 'put') instances.set(instance.id, instance);
    else instances.delete(instance.id);
  }
  return [...instances.values()];
}
