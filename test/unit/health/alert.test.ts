import { expect, test } from 'vitest';
import { AlertMonitor } from '../../../lib/health/alert.ts';
import type { AlertRule } from '../../../lib/health/alert-rule.ts';
import { breachOf, nextState, quiet } from '../../../lib/health/alert-state.ts';
import { Imports } from '../../../lib/registry/imports.ts';
import type { Instance, Status } from '../../../lib/registry/instance.ts';
import { createViewFixture, instanceOf } from '../../support/registry.ts';
import { createFakeClock } from './fake-clock.ts';
import { createTestLog } from './test-log.ts';

const rule: AlertRule = {
  name: 'web is thin',
  service: 'web',
  namespace: 'default',
  minHealthy: 2,
  forMs: 30_000,
};

/** A service's instances by their statuses. */
function serviceOf(statuses: readonly Status[], said: Partial<Instance> = {}): readonly Instance[] {
  const { service = 'web' } = said;
  return statuses.map((status, index) => instanceOf({ id: `${service}-${index}`, status, ...said }));
}

function createRig(rules: readonly AlertRule[], first: readonly Instance[]) {
  const clock = createFakeClock();
  const fixture = createViewFixture(first);
  const { log, messages } = createTestLog();
  const monitor = new AlertMonitor({ rules, node: 'n1', view: fixture.view, log, clock });
  return {
    clock,
    monitor,
    messages,
    put: (...instances: Instance[]) => {
      fixture.put(...instances);
      fixture.view.refresh();
    },
    remove: (...ids: string[]) => {
      fixture.remove(...ids);
      fixture.view.refresh();
    },
    [Symbol.dispose]: () => monitor[Symbol.dispose](),
  };
}

test('an alert begins when its condition has held for as long as it says, and ends with the condition', async () => {
  using rig = createRig([rule], serviceOf(['passing', 'passing']));
  rig.put(...serviceOf(['critical', 'passing']));
  await rig.clock.advance(29_999);
  expect(rig.monitor.stats).toMatchObject({ pending: 1, firing: 0 });
  await rig.clock.advance(1);
  expect(rig.monitor.stats).toMatchObject({ pending: 0, firing: 1 });
  rig.put(...serviceOf(['passing', 'passing']));
  expect(rig.monitor.stats).toMatchObject({ pending: 0, firing: 0 });
  expect(rig.messages).toEqual([
    'warn an alert is firing: 1 healthy, and at least 2 are wanted',
    'info an alert is resolved: it is within its limits again',
  ]);
});

test('a condition that is over in time is never told', async () => {
  using rig = createRig([rule], serviceOf(['passing', 'passing']));
  for (let turn = 0; turn < 10; turn++) {
    rig.put(...serviceOf(['critical', 'passing']));
    await rig.clock.advance(29_000);
    rig.put(...serviceOf(['passing', 'passing']));
    await rig.clock.advance(1_000);
  }
  expect(rig.messages).toEqual([]);
});

test('an alert that goes on is told once, however the service changes meanwhile', async () => {
  using rig = createRig([rule], serviceOf(['critical', 'passing']));
  for (let turn = 0; turn < 50; turn++) {
    await rig.clock.advance(5_000);
    rig.put(...serviceOf(turn % 2 === 0 ? ['critical', 'critical'] : ['critical', 'passing']));
  }
  expect(rig.messages).toHaveLength(1);
});

test('with no time to wait an alert begins at once', () => {
  using rig = createRig([{ ...rule, forMs: 0 }], serviceOf(['critical']));
  expect(rig.monitor.stats.firing).toBe(1);
});

test('a service that a rule names in full is missed although none of its instances was ever there', async () => {
  using rig = createRig([rule, { ...rule, service: 'w*' }], []);
  await rig.clock.advance(30_000);
  expect(rig.monitor.stats.firing).toBe(1);
});

test('a service that fits a pattern only is forgotten when it is withdrawn altogether', async () => {
  using rig = createRig([{ ...rule, service: '*', namespace: '*' }], serviceOf(['critical']));
  await rig.clock.advance(30_000);
  expect(rig.monitor.stats.firing).toBe(1);
  rig.remove('web-0');
  expect(rig.monitor.stats).toMatchObject({ pending: 0, firing: 0 });
});

test('a pattern watches each service that fits for itself', async () => {
  using rig = createRig(
    [{ ...rule, service: 'web-*', minHealthy: 1 }],
    [
      ...serviceOf(['critical'], { service: 'web-a' }),
      ...serviceOf(['passing'], { service: 'web-b' }),
      ...serviceOf(['critical'], { service: 'web-c' }),
      ...serviceOf(['critical'], { service: 'other' }),
      ...serviceOf(['critical'], { service: 'web-d', namespace: 'elsewhere' }),
    ],
  );
  await rig.clock.advance(30_000);
  expect(rig.monitor.stats.firing).toBe(2);
});

test('nothing happens after the end', async () => {
  const rig = createRig([rule], serviceOf(['critical']));
  rig[Symbol.dispose]();
  await rig.clock.advance(60_000);
  expect(rig.messages).toEqual([]);
});

test('the ratio counts critical among those that are not drained, and its limit itself is allowed', () => {
  const ratio: AlertRule = { name: 'r', service: '*', namespace: '*', maxCriticalRatio: 0.5, forMs: 0 };
  expect(breachOf(ratio, { healthy: 1, critical: 1, total: 9 })).toBeUndefined();
  expect(breachOf(ratio, { healthy: 1, critical: 2, total: 9 })).toBe(
    '2 of 3 critical (67 %), and at most 50 % may be',
  );
  expect(breachOf(ratio, { healthy: 0, critical: 0, total: 3 })).toBeUndefined();
  expect(breachOf({ ...ratio, maxCriticalRatio: 0 }, { healthy: 99, critical: 1, total: 100 })).toBeDefined();
});

test('a pending alert keeps the time it began with', () => {
  const first = nextState(quiet, true, { nowMs: 100, forMs: 50 });
  const second = nextState(first, true, { nowMs: 149, forMs: 50 });
  expect(second).toEqual({ phase: 'pending', firesAtMs: 150 });
  expect(nextState(second, true, { nowMs: 150, forMs: 50 })).toEqual({ phase: 'firing' });
  expect(nextState(second, false, { nowMs: 150, forMs: 50 })).toBe(quiet);
});

test('what other hosts have neither fires nor ends an alert here: they tell of it themselves', () => {
  const owner = { kind: 'api', node: 'far' } as const;
  const imports = new Imports({ node: 'node-of-tests', firstRevision: 1 });
  imports.replace(
    'etcd',
    serviceOf(['critical', 'passing'], { owner }).map((each) => ({ ...each, id: `far-${each.id}` })),
  );
  const { view } = createViewFixture(serviceOf(['passing']), imports);
  const { log, messages } = createTestLog();
  const atOnce = { ...rule, forMs: 0 };
  const rules = [{ ...atOnce, service: '*', minHealthy: 1 }, atOnce];
  using _monitor = new AlertMonitor({ rules, node: 'n1', view, log, clock: createFakeClock() });

  expect(messages).toEqual(['warn an alert is firing: 1 healthy, and at least 2 are wanted']);
});
