import { expect, test } from 'vitest';
import { DeadlineHeap } from '../../../lib/health/deadline-heap.ts';
import { Random } from '../../support/random.ts';

test('whatever is added, moved and deleted, items come out in the order of their time', () => {
  const random = new Random();
  for (let round = 0; round < 200; round++) {
    const heap = new DeadlineHeap<string>();
    const model = new Map<string, number>();
    for (let step = 0; step < 200; step++) {
      const item = `item ${random.below(60)}`;
      if (random.below(4) === 0) {
        heap.delete(item);
        model.delete(item);
      } else {
        const atMs = random.below(1_000);
        heap.set(item, atMs);
        model.set(item, atMs);
      }
      expect(heap.size).toBe(model.size);
      expect(heap.firstAtMs).toBe(Math.min(...model.values()));
    }
    const taken: (number | undefined)[] = [];
    for (let item = heap.takeDue(1_000); item !== undefined; item = heap.takeDue(1_000)) {
      taken.push(model.get(item));
      model.delete(item);
    }
    expect(model.size).toBe(0);
    expect(taken).toEqual(taken.toSorted((one, other) => (one ?? 0) - (other ?? 0)));
  }
});

test('nothing comes out before its time', () => {
  const heap = new DeadlineHeap<string>();
  heap.set('later', 10);
  expect(heap.takeDue(9)).toBeUndefined();
  expect(heap.takeDue(10)).toBe('later');
  expect(heap.firstAtMs).toBe(Number.POSITIVE_INFINITY);
});
