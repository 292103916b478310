import { expect, test } from 'vitest';
import { AlertMonitor } from '../../../lib/health/alert.ts';
import type { Clock } from '../../../lib/health/clock.ts';
import { WebhookSender } from '../../../lib/health/webhook.ts';
import { createViewFixture, instanceOf } from '../../support/registry.ts';
import { bodyOf, serveHttp } from './servers.ts';
import { createTestLog } from './test-log.ts';

/** A receiver that answers the statuses in turn, the last one ever after. */
async function createReceiver(...statuses: readonly number[]) {
  const received: Record<string, unknown>[] = [];
  const server = await serveHttp(async (request, response) => {
    received.push({ ...JSON.parse(await bodyOf(request)), method: request.method, url: request.url });
    response.writeHead(statuses[received.length - 1] ?? statuses.at(-1) ?? 200, { location: '/elsewhere' });
    response.end();
  });
  const url = new URL(`http://127.0.0.1:${server.target.port}/hook?key=secret`);
  return { received, url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Waits a thousandth of what it is asked to, and remembers it. */
function createHurriedClock() {
  const waitsMs: number[] = [];
  const clock: Clock = {
    nowMs: () => performance.now(),
    after: (delayMs, work) => {
      waitsMs.push(delayMs);
      const timer = setTimeout(work, delayMs / 1_000);
      return () => clearTimeout(timer);
    },
  };
  return { clock, waitsMs };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 300 && !isTrue(); turn++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isTrue()).toBe(true);
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 60));

test('a message is delivered once', async () => {
  await using receiver = await createReceiver(204);
  const { log, messages } = createTestLog();
  using sender = new WebhookSender({ log });
  sender.send('a', { url: receiver.url, body: { state: 'firing' } });
  await until(() => sender.counts.delivered === 1);
  await pause();
  expect(receiver.received).toEqual([{ state: 'firing', method: 'POST', url: '/hook?key=secret' }]);
  expect(messages).toEqual([]);
});

test('a receiver that is not well is tried again, after 1 s, 2 s, 4 s', async () => {
  await using receiver = await createReceiver(500, 429, 503, 200);
  const { clock, waitsMs } = createHurriedClock();
  using sender = new WebhookSender({ log: createTestLog().log, clock });
  sender.send('a', { url: receiver.url, body: {} });
  await until(() => sender.counts.delivered === 1);
  expect(receiver.received).toHaveLength(4);
  expect(waitsMs).toEqual([1_000, 2_000, 4_000]);
});

test.each([301, 400, 404])('after the status %i nothing is tried again', async (status) => {
  await using receiver = await createReceiver(status);
  const { log, messages } = createTestLog();
  using sender = new WebhookSender({ log, clock: createHurriedClock().clock });
  sender.send('a', { url: receiver.url, body: {} });
  await until(() => sender.counts.failed === 1);
  await pause();
  expect(receiver.received).toHaveLength(1);
  expect(messages).toEqual([`error a webhook could not be delivered: HTTP status ${status}`]);
});

test('tries come to an end, and the log does not show what may be secret', async () => {
  await using receiver = await createReceiver(500);
  const lines: string[] = [];
  const note = (message: string, fields: object = {}) => lines.push(message + JSON.stringify(fields));
  const log = { info: note, warn: note, error: note };
  using sender = new WebhookSender({ log, clock: createHurriedClock().clock, mostTries: 3 });
  sender.send('a', { url: receiver.url, body: {} });
  await until(() => sender.counts.failed === 1);
  expect(receiver.received).toHaveLength(3);
  expect(lines.join()).toContain(receiver.url.origin);
  expect(lines.join()).not.toContain('secret');
});

test('a receiver that does not answer is given up after the timeout', async () => {
  await using silent = await serveHttp(() => undefined);
  const { log, messages } = createTestLog();
  using sender = new WebhookSender({ log, timeoutMs: 50, mostTries: 1 });
  sender.send('a', { url: new URL(`http://127.0.0.1:${silent.target.port}/`), body: {} });
  await until(() => messages.length === 1);
  expect(messages).toEqual(['error a webhook could not be delivered: no answer within 50 ms']);
});

test('what a newer message on the same subject overtakes is not delivered any more', async () => {
  await using receiver = await createReceiver(500, 200);
  const { clock } = createHurriedClock();
  using sender = new WebhookSender({ log: createTestLog().log, clock });
  sender.send('a', { url: receiver.url, body: { state: 'firing' } });
  sender.send('a', { url: receiver.url, body: { state: 'between' } });
  sender.send('a', { url: receiver.url, body: { state: 'resolved' } });
  await until(() => sender.counts.delivered === 1);
  await pause();
  expect(receiver.received.map(({ state }) => state)).toEqual(['firing', 'resolved']);
});

test('an alert of a service is posted when it begins and when it ends', async () => {
  await using receiver = await createReceiver(200);
  const { view, put } = createViewFixture([instanceOf({ status: 'critical' })]);
  const rule = { name: 'thin', service: 'web', namespace: 'default', minHealthy: 1, forMs: 20 };
  const rules = [{ ...rule, webhook: receiver.url }];
  using monitor = new AlertMonitor({ rules, node: 'n1', view, log: createTestLog().log });
  await until(() => receiver.received.length === 1);
  put(instanceOf());
  view.refresh();
  await until(() => receiver.received.length === 2);
  const [firing, resolved] = receiver.received;
  expect(firing).toMatchObject({
    state: 'firing',
    alert: 'thin',
    namespace: 'default',
    service: 'web',
    node: 'n1',
    healthy: 0,
    critical: 1,
    total: 1,
    reason: '0 healthy, and at least 1 are wanted',
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
  });
  expect(resolved).toMatchObject({ state: 'resolved', healthy: 1 });
  expect(monitor.stats.firing).toBe(0);
});
