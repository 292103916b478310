import { expect, test } from 'vitest';
import { parseStrategy, strategies } from '../../../lib/balance/strategy.ts';
import { instanceOf } from '../../support/registry.ts';
import { countPicks, createFixture, instancesOf } from './fixture.ts';

test('an unknown strategy is refused with a list of those there are', () => {
  const { balancer } = createFixture();
  const refusal = expect.objectContaining({
    code: 7,
    message:
      'strategy: there is no "fastest"; expected one of round-robin, random, weighted, least-connections, ' +
      'least-latency, peak-ewma, response-time, sticky',
  });
  expect(() => balancer.pick([], { strategy: 'fastest' })).toThrow(refusal);
  expect(() => parseStrategy('constructor')).toThrow('there is no "constructor"');
});

test.each(strategies)('%s picks nobody where there is nobody', (strategy) => {
  const { balancer } = createFixture();
  expect(balancer.pick([], { strategy })).toBeUndefined();
  const all = new Set(['i0', 'i1']);
  expect(balancer.pick(instancesOf([1, 1]), { strategy, except: all })).toBeUndefined();
});

test.each(strategies)('%s gives weight 0 nothing while another is there', (strategy) => {
  const { balancer } = createFixture();
  const instances = instancesOf([0, 1, 0, 1]);
  const counts = countPicks(200, (turn) => balancer.pick(instances, { strategy, key: `k${turn}` }));
  expect([...counts.keys()].sort()).toEqual(['i1', 'i3']);
  const idle = countPicks(200, (turn) => balancer.pick(instancesOf([0, 0]), { strategy, key: `k${turn}` }));
  expect([...idle.keys()].sort()).toEqual(['i0', 'i1']);
});

test.each(strategies)('%s never picks what has just been tried', (strategy) => {
  const { balancer } = createFixture();
  const instances = instancesOf([1, 1, 1]);
  const except = new Set<string>();
  for (let turn = 0; turn < 3; turn++) {
    except.add(balancer.pick(instances, { strategy, key: 'k', except })?.id ?? 'nobody');
  }
  expect([...except].sort()).toEqual(['i0', 'i1', 'i2']);
});

test('what has not been a candidate for ten minutes is forgotten, and lists prepared before are not stale', () => {
  const { balancer, advance } = createFixture();
  const kept = instancesOf([1, 1]);
  for (let minute = 0; minute < 60; minute++) {
    for (let each = 0; each < 100; each++) {
      const passing = [instanceOf({ id: `short-lived-${minute}-${each}` })];
      balancer.pick(passing, { strategy: 'random' });
    }
    balancer.pick(kept, { strategy: 'round-robin' });
    advance(60_000);
  }
  expect(balancer.stats().known).toBeLessThan(1_500);
  const counts = countPicks(10, () => balancer.pick(kept, { strategy: 'round-robin' }));
  expect([...counts.values()]).toEqual([5, 5]);
});

test('a list that was prepared before its instances were forgotten learns again', () => {
  const { balancer, advance } = createFixture();
  const two = instancesOf([1, 1]);
  balancer.pick(two, { strategy: 'random' });
  advance(3_600_000);
  balancer.pick([instanceOf({ id: 'other' })], { strategy: 'random' });
  balancer.pick(two, { strategy: 'random' });
  for (let time = 0; time < 5; time++) balancer.report({ id: 'i0', failed: true });
  expect(countPicks(10, () => balancer.pick(two, { strategy: 'random' })).has('i0')).toBe(false);
});

test('a report on an unknown instance is not remembered', () => {
  const { balancer } = createFixture();
  balancer.report({ id: 'stranger', failed: true, latencyMs: 3 });
  expect(balancer.stats().known).toBe(0);
});

test('a report that a call goes on leaves it counted as under way', () => {
  const { balancer } = createFixture();
  const two = instancesOf([1, 1]);
  const first = balancer.pick(two, { strategy: 'least-connections' })?.id ?? '';
  balancer.report({ id: first, failed: false, latencyMs: 5, finished: false });
  expect(balancer.pick(two, { strategy: 'least-connections' })?.id).not.toBe(first);
});

test('calls that nobody reports on fade', () => {
  const { balancer, advance } = createFixture();
  const two = instancesOf([1, 1]);
  const [one] = two;
  for (let call = 0; call < 64; call++) balancer.pick(one === undefined ? [] : [one], { strategy: 'random' });
  advance(3_600_000);
  const counts = countPicks(4, () => balancer.pick(two, { strategy: 'least-connections' }));
  expect(counts.get('i0')).toBeGreaterThan(0);
});
