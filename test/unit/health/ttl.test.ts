import { afterEach, expect, test, vi } from 'vitest';
import { HealthScheduler } from '../../../lib/health/scheduler.ts';
import { containerOwner, createViewFixture } from '../../support/registry.ts';
import { checkedInstance, createRig, node, ttlInstance } from './rig.ts';

const ttlMs = 10_000;

afterEach(() => {
  vi.useRealTimers();
});

test('an instance that reports in time stays passing', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs)] });
  for (let turn = 0; turn < 20; turn++) {
    await rig.clock.advance(9_900);
    expect(rig.scheduler.heartbeat('job', 'passing')).toBe('ok');
  }
  expect(rig.statusOf('job')).toBe('passing');
  expect(rig.transactions).toEqual([]);
});

test('one that falls silent is critical at its TTL and leaves the registry at three TTLs', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs)] });
  await rig.clock.advance(5_000);
  rig.scheduler.heartbeat('job', 'passing');
  await rig.clock.advance(9_999);
  expect(rig.statusOf('job')).toBe('passing');
  await rig.clock.advance(20);
  expect(rig.statusOf('job')).toBe('critical');
  await rig.clock.advance(19_950);
  expect(rig.statusOf('job')).toBe('critical');
  await rig.clock.advance(100);
  expect(rig.statusOf('job')).toBeUndefined();
  expect(rig.scheduler.heartbeat('job', 'passing')).toBe('unknown');
  expect(rig.scheduler.stats).toMatchObject({ expired: 1, removed: 1, heartbeats: 1 });
});

test('where the check says when, it leaves after being critical for so long', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs, { deregisterAfterMs: 60_000 })] });
  await rig.clock.advance(69_900);
  expect(rig.statusOf('job')).toBe('critical');
  await rig.clock.advance(200);
  expect(rig.statusOf('job')).toBeUndefined();
});

test("a container's instance that falls silent is critical and stays", async () => {
  const owner = containerOwner({ node });
  using rig = createRig({ instances: [ttlInstance(ttlMs, {}, { owner })] });
  await rig.clock.advance(3_600_000);
  expect(rig.statusOf('job')).toBe('critical');
});

test('a late heartbeat makes it passing again at once', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs)] });
  await rig.clock.advance(15_000);
  expect(rig.statusOf('job')).toBe('critical');
  rig.scheduler.heartbeat('job', 'passing');
  await rig.clock.advance(20);
  expect(rig.statusOf('job')).toBe('passing');
  await rig.clock.advance(9_900);
  expect(rig.statusOf('job')).toBe('passing');
});

test('an instance that reports itself critical is so, and does not leave while it reports', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs)] });
  for (let turn = 0; turn < 20; turn++) {
    rig.scheduler.heartbeat('job', 'critical');
    await rig.clock.advance(5_000);
    expect(rig.statusOf('job')).toBe('critical');
  }
});

test('after a restart of the agent each instance has one full TTL', async () => {
  using rig = createRig({
    instances: [ttlInstance(ttlMs), ttlInstance(ttlMs, {}, { id: 'gone', status: 'critical' })],
  });
  await rig.clock.advance(9_900);
  expect(rig.statusOf('job')).toBe('passing');
  expect(rig.statusOf('gone')).toBe('critical');
  await rig.clock.advance(20_200);
  expect(rig.statusOf('gone')).toBeUndefined();
});

test('registering again counts as a sign of life', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs)] });
  for (let turn = 0; turn < 10; turn++) {
    await rig.clock.advance(9_000);
    rig.put(ttlInstance(ttlMs));
  }
  expect(rig.statusOf('job')).toBe('passing');
  expect(rig.transactions).toEqual([]);
});

test('a draining instance may stay silent, and its heartbeats are accepted', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs, {}, { status: 'draining' })] });
  await rig.clock.advance(3_600_000);
  expect(rig.scheduler.heartbeat('job', 'passing')).toBe('ok');
  await rig.clock.advance(1_000);
  expect(rig.statusOf('job')).toBe('draining');
});

test("a heartbeat for nobody, for another machine's instance or for one without TTL is told apart", () => {
  const elsewhere = ttlInstance(ttlMs, {}, { id: 'elsewhere', owner: { kind: 'api', node: 'another' } });
  using rig = createRig({ instances: [elsewhere, checkedInstance(1)] });
  expect(rig.scheduler.heartbeat('nobody', 'passing')).toBe('unknown');
  expect(rig.scheduler.heartbeat('elsewhere', 'passing')).toBe('unknown');
  expect(rig.scheduler.heartbeat('web-1', 'passing')).toBe('no-ttl');
});

test('a heartbeat right after the registration is accepted before the view was refreshed', () => {
  const { view, put } = createViewFixture();
  using scheduler = new HealthScheduler({ node, view, setStatus: () => undefined, remove: () => undefined });
  put(ttlInstance(ttlMs));
  expect(scheduler.heartbeat('job', 'passing')).toBe('ok');
});

test('when the process stood still, nobody is blamed for the silence', async () => {
  using rig = createRig({ instances: [ttlInstance(ttlMs)] });
  await rig.clock.advance(8_000);
  await rig.clock.stall(60_000);
  expect(rig.statusOf('job')).toBe('passing');
  await rig.clock.advance(9_900);
  expect(rig.scheduler.heartbeat('job', 'passing')).toBe('ok');
  await rig.clock.advance(9_900);
  expect(rig.statusOf('job')).toBe('passing');
  await rig.clock.advance(200);
  expect(rig.statusOf('job')).toBe('critical');
});

test('a wall clock that jumps by a year changes nothing', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { view } = createViewFixture([ttlInstance(1_000)]);
  const written: string[] = [];
  const setStatus = (updates: ReadonlyMap<string, unknown>) => written.push(...updates.keys());
  using _scheduler = new HealthScheduler({ node, view, setStatus, remove: (ids) => written.push(...ids) });
  vi.setSystemTime(Date.now() + 31_536_000_000);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(written).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(written).toEqual(['job']);
});
