import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Heartbeats } from '../../../lib/mirror/heartbeats.ts';

test('each entry is renewed once in an interval, and not all at once', async () => {
  const renewed: { readonly key: string; readonly atMs: number }[] = [];
  const heartbeats = new Heartbeats({
    intervalMs: 1_000,
    renew: async (key) => renewed.push({ key, atMs: performance.now() }) > 0,
  });
  for (let at = 0; at < 40; at++) heartbeats.keep(`k${at}`);

  await runFor(heartbeats, 1_100);

  const firstMs = renewed[0]?.atMs ?? 0;
  expect(new Set(renewed.slice(0, 40).map(({ key }) => key)).size).toBe(40);
  expect(renewed.filter(({ atMs }) => atMs - firstMs < 150).length).toBeLessThanOrEqual(20);
});

test('what was dropped is renewed no more', async () => {
  const renewed: string[] = [];
  const heartbeats = new Heartbeats({ intervalMs: 250, renew: async (key) => renewed.push(key) > 0 });
  heartbeats.keep('stays');
  heartbeats.keep('goes');
  heartbeats.drop('goes');

  await runFor(heartbeats, 400);

  expect(new Set(renewed)).toEqual(new Set(['stays']));
  expect(heartbeats.keys()).toEqual(['stays']);
});

test('of what the server does not know, it is told once for all, and it is not renewed again', async () => {
  const renewed: string[] = [];
  const heartbeats = new Heartbeats({ intervalMs: 250, renew: async (key) => renewed.push(key) < 0 });
  for (let at = 0; at < 20; at++) heartbeats.keep(`k${at}`);

  const told = await runFor(heartbeats, 900);

  expect(told).toBe(1);
  expect(renewed).toHaveLength(20);
});

test('losses that come while nobody is told are told later', async () => {
  const heartbeats = new Heartbeats({ intervalMs: 250, renew: async () => false });
  heartbeats.keep('first');
  const running = runFor(heartbeats, 2_200);
  await sleep(500);

  heartbeats.keep('second');

  expect(await running).toBe(2);
});

test('a server that does not answer is asked less and less, and then all are renewed', async () => {
  let tries = 0;
  const renewed = new Set<string>();
  const heartbeats = new Heartbeats({
    intervalMs: 250,
    renew: async (key) => {
      tries++;
      if (tries <= 2) throw new Error('away');
      return renewed.add(key).size > 0;
    },
  });
  heartbeats.keep('k');
  heartbeats.keep('l');

  const told = await runFor(heartbeats, 1_900);

  // It may forget them meanwhile.
  expect(told).toBe(1);
  expect(renewed).toEqual(new Set(['k', 'l']));
});

test('an entry whose renewal fails does not keep the others from theirs', async () => {
  const renewed = new Map<string, number>();
  const heartbeats = new Heartbeats({
    intervalMs: 500,
    renew: async (key) => {
      if (key === 'ill') throw new Error('HTTP 500');
      renewed.set(key, (renewed.get(key) ?? 0) + 1);
      return true;
    },
  });
  for (const key of ['ill', 'a', 'b', 'c']) heartbeats.keep(key);

  await runFor(heartbeats, 1_800);

  for (const key of ['a', 'b', 'c']) expect(renewed.get(key)).toBeGreaterThanOrEqual(3);
});

test('a server that is away is not asked for all entries', async () => {
  let tries = 0;
  const heartbeats = new Heartbeats({
    intervalMs: 250,
    renew: async () => {
      tries++;
      throw new Error('away');
    },
  });
  for (let at = 0; at < 1_000; at++) heartbeats.keep(`k${at}`);

  const told = await runFor(heartbeats, 2_000);

  expect(tries).toBeLessThanOrEqual(6 * 8);
  expect(told).toBe(1);
});

/** @returns how often it was told of losses */
async function runFor(heartbeats: Heartbeats, ms: number): Promise<number> {
  const end = new AbortController();
  let told = 0;
  const running = heartbeats.run(() => told++, end.signal);
  await sleep(ms);
  end.abort();
  await running;
  return told;
}
