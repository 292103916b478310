import { expect, test } from 'vitest';
import { RateLimiter } from '../../../lib/limit/rate-limiter.ts';

function create(limit = { perSecond: 10, burst: 3 }) {
  let nowMs = 0;
  const limiter = new RateLimiter(limit, () => nowMs);
  return {
    limiter,
    advance: (ms: number) => {
      nowMs += ms;
    },
    /** How many of so many requests at once are allowed. */
    allowed: (caller: string, requests: number) =>
      Array.from({ length: requests }, () => limiter.take(caller)).filter(Boolean).length,
  };
}

test('a caller may make as many requests at once as the burst', () => {
  const { allowed } = create();

  expect(allowed('a', 10)).toBe(3);
});

test('then one more for each part of a second', () => {
  const { allowed, advance } = create();
  allowed('a', 10);
  advance(99);
  expect(allowed('a', 10)).toBe(0);
  advance(2);
  expect(allowed('a', 10)).toBe(1);
  advance(250);
  expect(allowed('a', 10)).toBe(2);
});

test('who has been quiet for long has the burst again, and no more', () => {
  const { allowed, advance } = create();
  allowed('a', 10);
  advance(3_600_000);

  expect(allowed('a', 10)).toBe(3);
});

test('over ten seconds as many requests come through as the limit says', () => {
  const { limiter, advance } = create({ perSecond: 50, burst: 5 });
  let taken = 0;
  for (let ms = 0; ms < 10_000; ms++) {
    if (limiter.take('a')) taken++;
    advance(1);
  }

  expect(taken).toBeGreaterThanOrEqual(500);
  expect(taken).toBeLessThanOrEqual(506);
});

test('callers do not take from each other', () => {
  const { allowed } = create();
  allowed('a', 10);

  expect(allowed('b', 10)).toBe(3);
});

test('tells how long to wait, and that time is enough', () => {
  const { limiter, allowed, advance } = create();
  expect(limiter.waitMs('a')).toBe(0);
  allowed('a', 3);
  const waitMs = limiter.waitMs('a');
  expect(waitMs).toBe(100);
  advance(waitMs);

  expect([limiter.waitMs('a'), limiter.take('a')]).toEqual([0, true]);
});

test('of ten thousand callers and more, those heard of last are remembered', () => {
  const { limiter, allowed } = create();
  allowed('old', 3);
  allowed('busy', 3);
  for (let caller = 0; caller < 9_999; caller++) limiter.take(`c${caller}`);

  expect([allowed('busy', 1), allowed('old', 1)]).toEqual([0, 1]);
});
