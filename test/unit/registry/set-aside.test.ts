import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isDamage, setAside } from '../../../lib/registry/set-aside.ts';
import { openStore } from '../../../lib/registry/sqlite-store.ts';
import { storeFailure } from '../../../lib/registry/store-failure.ts';
import { bootId, registrationOf, temporaryStore } from '../../support/registrations.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const now = new Date('2026-11-21T10:20:30.456Z');

test('a damaged registry goes with its journal and index, under a name that says when', () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/registry.db`;
  for (const suffix of ['', '-wal', '-shm']) writeFileSync(path + suffix, `content${suffix}`);

  const kept = setAside(path, now);

  expect(kept).toBe(`${path}.damaged-2026-11-21T10-20-30-456Z`);
  expect(readdirSync(dir.path).sort()).toEqual(
    ['', '-shm', '-wal'].map((suffix) => `registry.db.damaged-2026-11-21T10-20-30-456Z${suffix}`),
  );
  expect(readFileSync(`${kept}-wal`, 'utf8')).toBe('content-wal');
});

test('one without a journal, and one that is gone already, go as well', () => {
  using dir = temporaryDirectory();
  const path = `${dir.path}/registry.db`;
  writeFileSync(path, 'x');

  expect(existsSync(setAside(path, now))).toBe(true);
  expect(existsSync(setAside(path, new Date(0)))).toBe(false);
});

test('in its place a new one begins, which keeps the id of the machine', () => {
  using temporary = temporaryStore();
  const { node } = temporary.store;
  temporary.store.register(registrationOf());
  setAside(temporary.path, now);

  const anew = temporary.reopen();

  expect([anew.node, anew.instances()]).toEqual([node, []]);
});

test('what was set aside can be read where it is now, with what only its journal holds', () => {
  using temporary = temporaryStore();
  temporary.store.register(registrationOf());

  const kept = setAside(temporary.path, now);

  using opened = openStore({ path: kept, bootId });
  expect(opened.instances()).toMatchObject([{ id: 'c1-1' }]);
});

test.each([
  ['corrupt', true],
  ['busy', false],
  ['full', false],
  ['unreadable', false],
] as const)('a failure of kind %s is damage: %s', (trouble, expected) => {
  expect(isDamage(storeFailure('/x', trouble, 'y'))).toBe(expected);
});

test('an error that is none of the store is no damage', () => {
  expect(isDamage(new Error('database disk image is malformed'))).toBe(false);
});
