import { mkdirSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tryWithLock, withLock } from '../../../ipam/host-local/lock.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const request = (dir: string) => ({
  dir,
  onFullDisk: 'fail' as const,
  sleep: (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
});

test('a lock is held while the work runs, is not dated into the future, and goes with the work', () => {
  using dir = temporaryDirectory();
  const dated = withLock(request(dir.path), () => statSync(`${dir.path}/lock`).mtimeMs);
  expect(dated).toBeLessThanOrEqual(Date.now());
  expect(() => statSync(`${dir.path}/lock`)).toThrow(/ENOENT/);
});

test('a lock goes also when the work fails', () => {
  using dir = temporaryDirectory();
  const failing = () => {
    throw new Error('work failed');
  };
  expect(() => withLock(request(dir.path), failing)).toThrow('work failed');
  expect(withLock(request(dir.path), () => 'free')).toBe('free');
});

test('the lock of a process that was killed is taken over within 3 s', () => {
  using dir = temporaryDirectory();
  mkdirSync(`${dir.path}/lock`);
  const startedAt = performance.now();
  withLock(request(dir.path), () => undefined);
  const waitedMs = performance.now() - startedAt;
  expect(waitedMs).toBeGreaterThan(1_500);
  expect(waitedMs).toBeLessThan(2_500);
});

test('who must not wait is told at once that another process has the lock', () => {
  using dir = temporaryDirectory();
  const tried = () => tryWithLock(request(dir.path), () => 'done');
  expect(tried()).toEqual({ kind: 'done', answer: 'done' });

  withLock(request(dir.path), () => {
    const startedAt = performance.now();
    expect(tried()).toEqual({ kind: 'locked' });
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  expect(tried()).toMatchObject({ kind: 'done' });
});
