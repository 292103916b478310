import { expect, test } from 'vitest';
import { Stopwatch } from '../../../lib/resident/stopwatch.ts';

function spend(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('what is a part of another one is not counted twice', () => {
  const startedAt = performance.now();
  const watch = new Stopwatch(0);
  watch.time('registry', () => {
    spend(4);
    watch.time('links', () => spend(8));
    spend(4);
  });
  const spent = watch.read();
  const whole = performance.now() - startedAt;

  expect(spent.registry).toBeGreaterThanOrEqual(8);
  expect(spent.links).toBeGreaterThanOrEqual(8);
  const sum = Object.values(spent).reduce((left, right) => left + right, 0);
  expect(sum).toBeLessThanOrEqual(whole);
});

test('a part that throws ends all the same', () => {
  const watch = new Stopwatch(2);
  expect(() =>
    watch.time('rules', () => {
      throw new Error('no');
    }),
  ).toThrow('no');
  const { rules } = watch.read();
  spend(3);
  expect(watch.read().rules).toBe(rules);
  expect(watch.read()).toMatchObject({ queue: 2 });
});
