import { expect, test } from 'vitest';
import type { Instance } from '../../../lib/registry/instance.ts';
import { createFixture, instancesOf } from './fixture.ts';

const keys = Array.from({ length: 5_000 }, (_, index) => `session-${index}`);
const ten = instancesOf(Array(10).fill(1));

function placesIn(instances: readonly Instance[]): ReadonlyMap<string, string | undefined> {
  const { balancer } = createFixture();
  return new Map(keys.map((key) => [key, balancer.pick(instances, { strategy: 'sticky', key })?.id]));
}

test('a key meets the same instance whatever the order of the list and whoever asks', () => {
  expect(placesIn(ten.toReversed())).toEqual(placesIn(ten));
});

test('when an instance goes, only its own keys move', () => {
  const before = placesIn(ten);
  const after = placesIn(ten.filter(({ id }) => id !== 'i3'));
  const moved = keys.filter((key) => before.get(key) !== after.get(key));
  expect(moved.length).toBeGreaterThan(400);
  expect(moved.every((key) => before.get(key) === 'i3')).toBe(true);
});

test('when an instance comes, keys move only to it', () => {
  const before = placesIn(ten);
  const after = placesIn([...ten, ...instancesOf(Array(11).fill(1)).slice(10)]);
  const moved = keys.filter((key) => before.get(key) !== after.get(key));
  expect(moved.length / keys.length).toBeCloseTo(1 / 11, 1);
  expect(moved.every((key) => after.get(key) === 'i10')).toBe(true);
});

test('a growing weight only draws keys in', () => {
  const before = placesIn(ten);
  const after = placesIn(
    ten.map((instance) => (instance.id === 'i0' ? { ...instance, weight: 2 } : instance)),
  );
  const moved = keys.filter((key) => before.get(key) !== after.get(key));
  expect(moved.every((key) => after.get(key) === 'i0')).toBe(true);
});

test('without a key the caller is the key, and without both the choice is random', () => {
  const { balancer } = createFixture();
  const pickFor = (caller: string) => balancer.pick(ten, { strategy: 'sticky', caller })?.id;
  expect(new Set(Array.from({ length: 20 }, () => pickFor('10.1.0.9'))).size).toBe(1);
  expect(pickFor('10.1.0.9')).toBe(balancer.pick(ten, { strategy: 'sticky', key: '10.1.0.9' })?.id);
  const anonymous = Array.from({ length: 100 }, () => balancer.pick(ten, { strategy: 'sticky' })?.id);
  expect(new Set(anonymous).size).toBeGreaterThan(5);
});
