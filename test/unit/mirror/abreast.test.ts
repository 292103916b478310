import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { abreast } from '../../../lib/mirror/abreast.ts';

const ten = Array.from({ length: 10 }, (_, at) => at);

test('so many at once and no more, and the results in order', async () => {
  let [under, most] = [0, 0];

  const results = await abreast(ten, 3, async (at) => {
    under++;
    most = Math.max(most, under);
    await sleep(10 - at);
    under--;
    return at * 2;
  });

  expect(results).toEqual(ten.map((at) => at * 2));
  expect(most).toBe(3);
});

test('after a failure nothing is begun, and what had begun is over when it is thrown', async () => {
  const [begun, ended]: [number[], number[]] = [[], []];

  const failing = abreast(ten, 3, async (at) => {
    begun.push(at);
    await sleep(at === 1 ? 1 : 20);
    ended.push(at);
    if (at === 1) throw new Error('the second');
  });

  await expect(failing).rejects.toThrow('the second');
  expect(begun).toEqual([0, 1, 2]);
  expect(ended).toEqual([1, 0, 2]);
});

test('of nothing there is nothing to do', async () => {
  expect(await abreast([], 3, async () => 1)).toEqual([]);
});
