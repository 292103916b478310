import { expect, test } from 'vitest';
import { Random } from '../../support/random.ts';
import { instanceOf } from '../../support/registry.ts';
import { checkedInstance, createRig } from './rig.ts';

const many = (count: number) => Array.from({ length: count }, (_, index) => checkedInstance(index + 1));

test('the first checks of 5,000 instances are spread over an interval, and later ones stay spread', async () => {
  using rig = createRig({ instances: many(5_000) });
  await rig.clock.advance(30_000);
  const perSecond = Array(30).fill(0);
  for (const starts of rig.started.values()) {
    expect(starts.length).toBeGreaterThanOrEqual(3);
    for (const atMs of starts) perSecond[Math.floor(atMs / 1_000)]++;
  }
  expect(Math.max(...perSecond)).toBeLessThan(800);
  expect(Math.min(...perSecond)).toBeGreaterThan(400);
  expect(rig.most()).toBeLessThan(50);
});

test('no more probes than allowed are under way at once, and all have their turn', async () => {
  const answer = () => ({ ok: true, tookMs: 400 });
  using rig = createRig({ instances: many(1_000), mostAtOnce: 50, answer });
  await rig.clock.advance(10_000);
  expect(rig.most()).toBe(50);
  expect(rig.scheduler.stats).toMatchObject({ checks: 1_000, probing: 50 });
  await rig.clock.advance(5_000);
  expect(rig.started.size).toBe(1_000);
});

test('the wait for a free place shows as lateness', async () => {
  using rig = createRig({ instances: many(10), mostAtOnce: 1, answer: () => ({ ok: true, tookMs: 5_000 }) });
  await rig.clock.advance(20_000);
  expect(rig.scheduler.stats.lateMs).toBeGreaterThan(5_000);
});

test('an instance that dies at any time, by refusal or by silence, is critical within interval × fall + 1 s', async () => {
  const random = new Random();
  for (let round = 0; round < 60; round++) {
    const intervalMs = 1_000 + random.below(20_000);
    const timing = { intervalMs, timeoutMs: intervalMs / (2 + random.below(5)), fall: 1 + random.below(4) };
    const diesAtMs = 50_000 + random.below(50_000);
    const dead = random.below(2) === 0 ? { ok: false } : { ok: true, tookMs: Number.POSITIVE_INFINITY };
    using rig = createRig({
      instances: [checkedInstance(1, timing)],
      answer: (_port, atMs) => (atMs < diesAtMs ? { ok: true } : dead),
    });
    await rig.clock.advance(diesAtMs);
    expect(rig.statusOf('web-1')).toBe('passing');
    await rig.clock.advance(intervalMs * timing.fall + 1_000);
    expect(rig.statusOf('web-1'), JSON.stringify({ timing, diesAtMs, dead })).toBe('critical');
  }
});

test('an instance that is dead when it is registered is critical as soon', async () => {
  using rig = createRig({ answer: () => ({ ok: false }) });
  rig.put(checkedInstance(1));
  await rig.clock.advance(1_000);
  expect(rig.started.get(1)).toHaveLength(1);
  await rig.clock.advance(30_000);
  expect(rig.statusOf('web-1')).toBe('critical');
});

test('an instance that begins critical is passing within a second of its registration', async () => {
  using rig = createRig();
  rig.put(checkedInstance(1, { initial: 'critical' }, { status: 'critical' }));
  await rig.clock.advance(1_050);
  expect(rig.statusOf('web-1')).toBe('passing');
});

test('an instance comes back after as many successes as "rise"', async () => {
  const answer = (_port: number, atMs: number) => ({ ok: atMs > 60_000 });
  using rig = createRig({ instances: [checkedInstance(1, { rise: 3 })], answer });
  await rig.clock.advance(60_000);
  expect(rig.statusOf('web-1')).toBe('critical');
  await rig.clock.advance(18_000);
  expect(rig.statusOf('web-1')).toBe('critical');
  await rig.clock.advance(13_000);
  expect(rig.statusOf('web-1')).toBe('passing');
  expect(rig.scheduler.stats).toMatchObject({ toPassing: 1, toCritical: 1 });
});

test('changes that happen together are written in one transaction', async () => {
  const silent = { ok: true, tookMs: Number.POSITIVE_INFINITY };
  const timing = { intervalMs: 1_000, timeoutMs: 500, fall: 1 };
  using rig = createRig({ answer: () => silent, random: () => 0 });
  rig.put(...Array.from({ length: 100 }, (_, index) => checkedInstance(index + 1, timing)));
  await rig.clock.advance(600);
  expect(rig.transactions).toHaveLength(1);
  expect(rig.transactions[0]).toHaveLength(100);
});

test('what is well already is not written', async () => {
  using rig = createRig({ instances: many(20) });
  await rig.clock.advance(60_000);
  expect(rig.transactions).toEqual([]);
});

test("other machines' instances, those without a check, draining and maintenance ones are not asked", async () => {
  const elsewhere = { owner: { kind: 'api', node: 'another' } } as const;
  using rig = createRig({
    instances: [
      checkedInstance(1, {}, elsewhere),
      instanceOf({ id: 'unchecked' }),
      checkedInstance(3, {}, { status: 'draining' }),
      checkedInstance(4, {}, { status: 'maintenance' }),
    ],
    answer: () => ({ ok: false }),
  });
  await rig.clock.advance(120_000);
  expect(rig.started.size).toBe(0);
  expect(rig.scheduler.stats.checks).toBe(0);
  expect(rig.statusOf('web-3')).toBe('draining');
});

test('an instance set to draining while it is asked stays draining', async () => {
  const answer = () => ({ ok: false, tookMs: 900 });
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer });
  while ((rig.started.get(1)?.length ?? 0) === 0) await rig.clock.advance(100);
  rig.put(checkedInstance(1, { fall: 1 }, { status: 'draining' }));
  await rig.clock.advance(60_000);
  expect(rig.statusOf('web-1')).toBe('draining');
  expect(rig.transactions).toEqual([]);
});

test('an instance set to draining right before its verdict is written stays draining', async () => {
  const answer = () => ({ ok: false });
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer });
  while (rig.scheduler.stats.toCritical === 0) await rig.clock.advance(1);
  expect(rig.transactions).toEqual([]);
  rig.put(checkedInstance(1, { fall: 1 }, { status: 'draining' }));
  await rig.clock.advance(60_000);
  expect(rig.statusOf('web-1')).toBe('draining');
});

test('the same holds where the scheduler has not yet seen that it drains', async () => {
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer: () => ({ ok: false }) });
  while (rig.scheduler.stats.toCritical === 0) await rig.clock.advance(1);
  rig.putUnseen(checkedInstance(1, { fall: 1 }, { status: 'draining' }));
  await rig.clock.advance(60_000);
  expect(rig.statusOf('web-1')).toBe('draining');
  expect(rig.transactions).toEqual([]);
});

test('an instance whose maintenance ends is asked again within a second', async () => {
  using rig = createRig({ instances: [checkedInstance(1, {}, { status: 'maintenance' })] });
  await rig.clock.advance(5_000);
  rig.put(checkedInstance(1));
  await rig.clock.advance(1_000);
  expect(rig.started.get(1)).toHaveLength(1);
});

test('a status that somebody sets holds until checks find otherwise', async () => {
  using rig = createRig({ instances: [checkedInstance(1, { rise: 2 })] });
  await rig.clock.advance(15_000);
  rig.put(checkedInstance(1, { rise: 2 }, { status: 'critical' }));
  await rig.clock.advance(8_000);
  expect(rig.statusOf('web-1')).toBe('critical');
  await rig.clock.advance(15_000);
  expect(rig.statusOf('web-1')).toBe('passing');
});

test('an instance critical for longer than its check allows leaves the registry', async () => {
  const timing = { intervalMs: 1_000, timeoutMs: 500, fall: 2, deregisterAfterMs: 30_000 };
  using rig = createRig({ instances: [checkedInstance(1, timing)], answer: () => ({ ok: false }) });
  await rig.clock.advance(30_000);
  expect(rig.statusOf('web-1')).toBe('critical');
  await rig.clock.advance(4_000);
  expect(rig.statusOf('web-1')).toBeUndefined();
  expect(rig.scheduler.stats).toMatchObject({ removed: 1, checks: 0 });
});

test('an instance that recovers in time stays, and the time counts anew', async () => {
  const timing = { intervalMs: 1_000, timeoutMs: 500, fall: 1, deregisterAfterMs: 30_000 };
  const answer = (_port: number, atMs: number) => ({ ok: Math.floor(atMs / 20_000) % 2 === 1 });
  using rig = createRig({ instances: [checkedInstance(1, timing)], answer });
  await rig.clock.advance(300_000);
  expect(rig.statusOf('web-1')).toBeDefined();
  expect(rig.scheduler.stats.toCritical).toBeGreaterThan(5);
});

test('a critical instance stays where its check does not say when it leaves', async () => {
  using rig = createRig({ instances: [checkedInstance(1)], answer: () => ({ ok: false }) });
  await rig.clock.advance(3_600_000);
  expect(rig.statusOf('web-1')).toBe('critical');
});

test('a verdict that could not be written is written as soon as the store works again', async () => {
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer: () => ({ ok: false }) });
  rig.store.failure = new Error('the disk is full');
  await rig.clock.advance(15_000);
  expect(rig.statusOf('web-1')).toBe('passing');
  expect(rig.scheduler.stats.writeFailures).toBeGreaterThan(2);
  rig.store.failure = undefined;
  await rig.clock.advance(1_000);
  expect(rig.statusOf('web-1')).toBe('critical');
});

test('a verdict that has turned round before it could be written is not written', async () => {
  const answer = (_port: number, atMs: number) => ({ ok: atMs > 15_000 });
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer });
  rig.store.failure = new Error('the disk is full');
  await rig.clock.advance(30_000);
  rig.store.failure = undefined;
  await rig.clock.advance(5_000);
  expect(rig.statusOf('web-1')).toBe('passing');
  expect(rig.transactions).toEqual([]);
});

test('a change by somebody else does not bring back what an unwritten verdict has replaced', async () => {
  const answer = (_port: number, atMs: number) => ({ ok: atMs > 15_000 });
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer });
  rig.store.failure = new Error('the disk is full');
  await rig.clock.advance(15_001);
  expect(rig.scheduler.stats.toCritical).toBe(1);
  rig.put(checkedInstance(1, { fall: 1 }, { weight: 7 }));
  await rig.clock.advance(15_000);
  rig.store.failure = undefined;
  await rig.clock.advance(5_000);
  expect(rig.statusOf('web-1')).toBe('passing');
  expect(rig.transactions).toEqual([]);
});

test('an instance whose check or address has changed is asked anew; of one that is gone nothing is asked', async () => {
  using rig = createRig({ instances: [checkedInstance(1)], answer: () => ({ ok: false }) });
  await rig.clock.advance(12_000);
  rig.put(checkedInstance(2, {}, { id: 'web-1' }));
  await rig.clock.advance(1_000);
  expect(rig.started.get(2)).toHaveLength(1);
  expect(rig.statusOf('web-1')).toBe('passing');
  rig.withdraw('web-1');
  await rig.clock.advance(60_000);
  expect(rig.started.get(2)).toHaveLength(1);
});

test('a change of tags or weight neither restarts nor delays a check', async () => {
  using rig = createRig({ instances: [checkedInstance(1)], answer: () => ({ ok: false }) });
  for (let second = 0; second < 31; second++) {
    const status = rig.statusOf('web-1') ?? 'passing';
    rig.put(checkedInstance(1, {}, { weight: second, status }));
    await rig.clock.advance(1_000);
  }
  expect(rig.statusOf('web-1')).toBe('critical');
});

test('a probe that throws is a failed check', async () => {
  const probe = () => Promise.reject(new Error('a bug'));
  using rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], probe });
  await rig.clock.advance(11_000);
  expect(rig.statusOf('web-1')).toBe('critical');
  expect(rig.scheduler.lastResult('web-1')?.output).toBe('a bug');
});

test('at the end what is known is written, and nothing is asked afterwards', async () => {
  const rig = createRig({ instances: [checkedInstance(1, { fall: 1 })], answer: () => ({ ok: false }) });
  while (rig.scheduler.stats.toCritical === 0) await rig.clock.advance(1);
  rig[Symbol.dispose]();
  expect(rig.statusOf('web-1')).toBe('critical');
  const { size } = rig.started;
  rig.put(checkedInstance(9));
  await rig.clock.advance(60_000);
  expect(rig.started.size).toBe(size);
});
