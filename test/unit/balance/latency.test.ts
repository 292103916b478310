import { expect, test } from 'vitest';
import type { Balancer } from '../../../lib/balance/balancer.ts';
import { keptSince, observeLatency } from '../../../lib/balance/latency.ts';
import { countPicks, createFixture, instancesOf } from './fixture.ts';

const three = instancesOf([1, 1, 1]);

function reportAll(balancer: Balancer, latenciesMs: readonly number[]): void {
  balancer.report({ id: balancer.pick(three, { strategy: 'random' })?.id ?? '', failed: false });
  for (const [index, latencyMs] of latenciesMs.entries()) {
    balancer.report({ id: `i${index}`, latencyMs, failed: false });
  }
}

test.each(['least-latency', 'peak-ewma'])('%s picks the quickest', (strategy) => {
  const { balancer } = createFixture();
  reportAll(balancer, [30, 5, 50]);
  expect(balancer.pick(three, { strategy })?.id).toBe('i1');
});

test.each(['least-latency', 'peak-ewma'])(
  '%s tries an unknown instance with one call at a time until it has answered',
  (strategy) => {
    const { balancer } = createFixture();
    reportAll(balancer, [5, 5]);
    const counts = countPicks(9, () => balancer.pick(three, { strategy }));
    expect(counts.get('i2')).toBe(1);
  },
);

test('least-latency comes back to an instance that was slow once', () => {
  const { balancer, advance } = createFixture();
  reportAll(balancer, [10, 10, 500]);
  const picked = new Set<string | undefined>();
  for (let second = 0; second < 60; second++) {
    advance(1_000);
    const id = balancer.pick(three, { strategy: 'least-latency' })?.id ?? '';
    picked.add(id);
    balancer.report({ id, latencyMs: 10, failed: false });
  }
  expect(picked).toContain('i2');
});

test('a quick refusal does not make an instance attractive', () => {
  const { balancer } = createFixture();
  reportAll(balancer, [20, 20]);
  balancer.report({ id: 'i2', latencyMs: 0.2, failed: true });
  const counts = countPicks(100, () => balancer.pick(three, { strategy: 'least-latency' }));
  expect(counts.has('i2')).toBe(false);
});

test('peak-ewma leaves an instance at its first slow answer, where the plain average hesitates', () => {
  const { balancer, advance } = createFixture();
  reportAll(balancer, [10, 12, 14]);
  advance(100);
  balancer.report({ id: 'i0', latencyMs: 80, failed: false });
  expect(balancer.pick(three, { strategy: 'least-latency' })?.id).toBe('i0');
  expect(balancer.pick(three, { strategy: 'peak-ewma' })?.id).toBe('i1');
});

test('peak-ewma counts the calls under way', () => {
  const { balancer } = createFixture();
  reportAll(balancer, [10, 10, 1_000]);
  const counts = countPicks(20, () => balancer.pick(three, { strategy: 'peak-ewma' }));
  expect(Math.abs((counts.get('i0') ?? 0) - (counts.get('i1') ?? 0))).toBeLessThanOrEqual(1);
});

test('a response time that is no number is passed over', () => {
  const { balancer } = createFixture();
  reportAll(balancer, [10, 20, 30]);
  for (const latencyMs of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    balancer.report({ id: 'i0', latencyMs, failed: false });
  }
  expect(balancer.pick(three, { strategy: 'least-latency' })?.id).toBe('i0');
});

test('an average moves by what the time since the last sample leaves of it', () => {
  const first = observeLatency(undefined, { latencyMs: 100, failed: false }, 0);
  const second = observeLatency(first, { latencyMs: 0, failed: false }, 10_000);
  expect(second.averageMs).toBeCloseTo(100 / Math.E, 6);
  expect(keptSince(0, 20_000)).toBeCloseTo(Math.exp(-2), 6);
});
