import { expect, test } from 'vitest';
import { chiSquare, countPicks, createFixture, instancesOf } from './fixture.ts';

/** Chi-square with 9 degrees of freedom exceeds this once in a thousand times. */
const limitOf9 = 27.9;
/** With 3 degrees of freedom. */
const limitOf3 = 16.3;

const ten = instancesOf(Array(10).fill(1));

test('round robin gives each instance exactly its turn', () => {
  const { balancer } = createFixture();
  const counts = countPicks(1_000, () => balancer.pick(ten, { strategy: 'round-robin' }));
  expect(new Set(counts.values())).toEqual(new Set([100]));
});

test('round robin stays even while instances come and go', () => {
  const { balancer } = createFixture();
  const counts = countPicks(2_000, (turn) =>
    balancer.pick(turn % 2 === 0 ? ten : ten.slice(0, 5), { strategy: 'round-robin' }),
  );
  // All the turns of the lists of ten go to those that the lists of five never offer.
  expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(199);
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(201);
});

test('callers that start together do not all begin with the same instance', () => {
  const random = Math.random;
  const firsts = countPicks(200, () =>
    createFixture({ random }).balancer.pick(ten, { strategy: 'round-robin' }),
  );
  expect(firsts.size).toBeGreaterThan(5);
});

test('random is uniform', () => {
  const { balancer } = createFixture();
  const counts = countPicks(10_000, () => balancer.pick(ten, { strategy: 'random' }));
  expect(chiSquare(counts, Array(10).fill(0.1))).toBeLessThan(limitOf9);
});

test('weighted follows the weights exactly', () => {
  const { balancer } = createFixture();
  const counts = countPicks(1_600, () => balancer.pick(instancesOf([10, 5, 1, 0]), { strategy: 'weighted' }));
  expect(Object.fromEntries(counts)).toEqual({ i0: 1_000, i1: 500, i2: 100 });
});

test("weighted spreads a heavy instance's turns among the others'", () => {
  const { balancer } = createFixture({ random: () => 0 });
  const three = instancesOf([5, 1, 1]);
  const order = Array.from({ length: 7 }, () => balancer.pick(three, { strategy: 'weighted' })?.id);
  expect(order).toEqual(['i0', 'i0', 'i1', 'i0', 'i2', 'i0', 'i0']);
});

test('sticky gives each instance keys in proportion to its weight', () => {
  const { balancer } = createFixture();
  const four = instancesOf([1, 2, 3, 4]);
  const counts = countPicks(20_000, (turn) =>
    balancer.pick(four, { strategy: 'sticky', key: `user-${turn}` }),
  );
  expect(chiSquare(counts, [0.1, 0.2, 0.3, 0.4])).toBeLessThan(limitOf3);
});

test('response-time picks in proportion to weight over response time', () => {
  const { balancer } = createFixture();
  const four = instancesOf([1, 1, 1, 2]);
  balancer.pick(four, { strategy: 'random' });
  for (const [index, latencyMs] of [10, 20, 40, 40].entries()) {
    balancer.report({ id: `i${index}`, latencyMs, failed: false });
  }
  const counts = countPicks(10_000, () => balancer.pick(four, { strategy: 'response-time' }));
  expect(chiSquare(counts, [4 / 9, 2 / 9, 1 / 9, 2 / 9])).toBeLessThan(limitOf3);
});

test('least connections levels calls that end at different times', () => {
  const { balancer } = createFixture();
  const slow = 'i0';
  const open: string[] = [];
  for (let turn = 0; turn < 300; turn++) {
    const id = balancer.pick(ten, { strategy: 'least-connections' })?.id ?? '';
    if (id === slow) open.push(id);
    else balancer.report({ id, failed: false });
  }
  expect(open).toHaveLength(1);
});

test('least connections counts a call against the weight', () => {
  const { balancer } = createFixture();
  const two = instancesOf([1, 3]);
  const counts = countPicks(400, () => balancer.pick(two, { strategy: 'least-connections' }));
  expect(counts.get('i1')).toBe(300);
});
