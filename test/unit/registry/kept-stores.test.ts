import { mkdtempSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { keepStores } from '../../../lib/registry/kept-stores.ts';
import { openStore } from '../../../lib/registry/sqlite-store.ts';

const dir = mkdtempSync(`${tmpdir()}/fl-kept-`);
const path = `${dir}/registry.db`;
const open = (at: string) => openStore({ path: at, bootId: 'boot' });

afterEach(() => {
  for (const suffix of ['', '-wal', '-shm', '.old']) rmSync(path + suffix, { force: true });
});

test('a store is opened once', () => {
  const kept = keepStores(open);
  expect(kept.open(path)).toBe(kept.open(path));
  kept.forget();
});

test('a store whose file was replaced is opened anew', () => {
  const kept = keepStores(open);
  const before = kept.open(path);
  for (const suffix of ['', '-wal', '-shm']) renameSync(path + suffix, `${path}${suffix}.old`);
  const after = kept.open(path);
  expect(after).not.toBe(before);
  expect(after.revision()).toBe(0);
  kept.forget();
});

test('a store whose file was cut is opened anew, and is damaged', () => {
  const kept = keepStores(open);
  kept.open(path);
  truncateSync(path, 100);
  expect(() => kept.open(path).revision()).toThrow();
  kept.forget();
});

test('what is forgotten is opened anew, and only so many are kept', () => {
  const kept = keepStores(open);
  const before = kept.open(path);
  kept.forget();
  expect(kept.open(path)).not.toBe(before);
  const first = kept.open(path);
  for (let index = 0; index < 20; index++) kept.open(`${dir}/registry-${index}.db`);
  expect(kept.open(path)).not.toBe(first);
  kept.forget();
  rmSync(dir, { recursive: true });
});
