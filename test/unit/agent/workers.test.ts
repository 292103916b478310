import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Worker } from '../../../lib/exec/start-worker.ts';
import type { Log } from '../../../lib/log/log.ts';
import { Workers } from '../../../plugins/agent/workers.ts';

type Started = { readonly end: (how: string) => void };

/** Workers of which the test decides when they end. */
function rig(count: number) {
  const started: Started[] = [];
  const logged: string[] = [];
  const note = (message: string) => void logged.push(message);
  const log: Log = { info: note, warn: note, error: note };
  const start = (): Worker => {
    const { promise, resolve } = Promise.withResolvers<string>();
    started.push({ end: resolve });
    return { pid: started.length, ended: promise, kill: () => resolve('signal SIGKILL') };
  };
  return { started, logged, workers: new Workers({ count, start, log }) };
}

test('so many are started, and one that ends is started again', async () => {
  const { started, logged, workers } = rig(3);
  expect([started.length, workers.running]).toEqual([3, 3]);

  started[1]?.end('status 1');
  await sleep(20);
  expect([started.length, workers.running]).toEqual([3, 2]);
  await sleep(200);

  expect([started.length, workers.running, workers.restarts]).toEqual([4, 3, 1]);
  expect(logged).toEqual(['a worker for CNI calls has ended, and is started again']);
  expect(workers.problems).toEqual([]);
});

test('those that end at once are started ever later, and are a problem', async () => {
  const { started, workers } = rig(1);
  for (let ends = 0; ends < 3; ends++) {
    started.at(-1)?.end('status 70');
    await sleep(100 * 2 ** ends + 50);
  }

  expect(started).toHaveLength(4);
  expect(workers.problems).toEqual([
    expect.stringContaining('1 of 1 workers end again and again, the last with status 70'),
  ]);
  started.at(-1)?.end('status 70');
  await sleep(300);
  expect(started).toHaveLength(4);
});

test('when they are to end, all are waited for, and none is started again', async () => {
  const { started, workers } = rig(2);
  let isOver = false;

  const over = workers[Symbol.asyncDispose]().then(() => {
    isOver = true;
  });
  started[0]?.end('status 0');
  await sleep(150);

  expect([isOver, started.length]).toEqual([false, 2]);
  started[1]?.end('status 0');
  await over;
  expect([workers.running, workers.restarts]).toEqual([0, 0]);
});

test('a worker that does not finish its call is ended after 20 s, and the log says so', async () => {
  vi.useFakeTimers();
  try {
    const { logged, workers } = rig(1);

    const over = workers[Symbol.asyncDispose]();
    await vi.advanceTimersByTimeAsync(19_000);
    expect(logged).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    await over;

    expect(logged).toEqual(['a CNI call has not ended in time, and is cut off']);
  } finally {
    vi.useRealTimers();
  }
});
