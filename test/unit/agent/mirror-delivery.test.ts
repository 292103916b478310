import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Mirror } from '../../../lib/mirror/mirror.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { StoreFailure } from '../../../lib/registry/store-failure.ts';
import { Delivery } from '../../../plugins/agent/mirror-delivery.ts';
import { registerNumbered, temporaryStore } from '../../support/registrations.ts';
import { instanceOf } from '../../support/registry.ts';

/** A mirror whose every call takes `callMs` and fails as a test says; it knows how many ran at once. */
class SlowMirror {
  readonly entries = new Map<string, string>();
  readonly calls: string[] = [];
  readonly refused = new Set<string>();
  failure: Error | undefined;
  callMs = 0;
  running = 0;
  mostAtOnce = 0;
  mirror: Mirror = {
    name: 'slow',
    render: (instance) => [{ key: instance.id, content: JSON.stringify(instance) }],
    put: (entries, signal) =>
      this.#call('put', signal, () => {
        for (const { key, content } of entries) {
          if (!this.refused.has(key)) this.entries.set(key, content);
        }
        return entries.flatMap(({ key }) => (this.refused.has(key) ? [{ key, because: 'not here' }] : []));
      }),
    remove: (keys, signal) =>
      this.#call('remove', signal, () => {
        for (const key of keys) this.entries.delete(key);
        return [];
      }),
    listOwn: (signal) =>
      this.#call('list', signal, () => [...this.entries].map(([key, content]) => ({ key, content }))),
    run: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };

  async #call<T>(name: string, signal: AbortSignal, work: () => T): Promise<T> {
    this.calls.push(name);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running);
    try {
      await sleep(this.callMs, undefined, { signal });
      if (this.failure !== undefined) throw this.failure;
      return work();
    } finally {
      this.running--;
    }
  }
}

function startDelivery(store: Store, slow: SlowMirror, begin?: Promise<void>) {
  const logged: string[] = [];
  const damage: Error[] = [];
  const note = (message: string, fields: object = {}) => logged.push(`${message} ${JSON.stringify(fields)}`);
  const delivery = new Delivery({
    store,
    mirror: slow.mirror,
    log: { info: note, warn: note, error: note },
    onDamage: (error) => damage.push(error),
    ...(begin === undefined ? {} : { begin }),
  });
  return Object.assign(delivery, { logged, damage });
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (isSo()) return;
    await sleep(10);
  }
  throw new Error(`waited 3 s for ${what}`);
}

test('begins by comparing all, and then tells each change', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  registerNumbered(temporary.store, 1);
  await using delivery = startDelivery(temporary.store, slow);
  await until('the first to be there', () => slow.entries.has('c1-1'));
  registerNumbered(temporary.store, 2);
  await until('the second to be there', () => slow.entries.has('c2-1'));

  expect(slow.calls).toEqual(['list', 'put', 'put']);
  expect([delivery.lag, delivery.lastError]).toEqual([0, '']);
});

test('never delivers twice at once, however slow the mirror is', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  slow.callMs = 40;
  await using delivery = startDelivery(temporary.store, slow);
  for (let number = 0; number < 30; number++) {
    registerNumbered(temporary.store, number);
    delivery.retryNow();
    if (number % 10 === 0) delivery.resyncNow();
    await sleep(10);
  }
  await until('all to be there', () => slow.entries.size === 30);

  expect(slow.mostAtOnce).toBe(1);
});

test('a loss of entries during a delivery is made good after it', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  registerNumbered(temporary.store, 1);
  await using delivery = startDelivery(temporary.store, slow);
  await until('the first to be there', () => slow.entries.has('c1-1'));
  slow.callMs = 50;
  registerNumbered(temporary.store, 2);
  await until('the second to be under way', () => slow.running === 1);
  slow.entries.clear();
  delivery.resyncNow();

  await until('both to be there', () => slow.entries.size === 2);
});

describe('a mirror that fails', () => {
  test('is tried again, less and less often, and each reason is told once', async () => {
    using temporary = temporaryStore();
    const slow = new SlowMirror();
    slow.failure = new Error('away');
    registerNumbered(temporary.store, 1);
    await using delivery = startDelivery(temporary.store, slow);
    await sleep(1_200);
    const { length: attempts } = slow.calls;
    const whileAway = [...delivery.logged];
    slow.failure = undefined;
    delivery.retryNow();
    await until('the first to be there', () => slow.entries.has('c1-1'));
    await until('the end to be told', () => delivery.logged.length === 2);

    expect(attempts).toBeGreaterThan(2);
    expect(attempts).toBeLessThan(10);
    expect(whileAway).toEqual([
      'the names of this host cannot be delivered; this is tried again {"mirror":"slow","because":"away"}',
    ]);
    expect(delivery.logged[1]).toContain('delivered again');
    expect([delivery.lag, delivery.lastError]).toEqual([0, '']);
  });
});

test('a comparison that is asked for after each one does not become a busy loop', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  const { listOwn } = slow.mirror;
  const mirror: Mirror = {
    ...slow.mirror,
    listOwn: (signal) => {
      delivery.resyncNow();
      return listOwn(signal);
    },
  };
  await using delivery = startDelivery(temporary.store, Object.assign(slow, { mirror }));
  await sleep(2_000);

  expect(slow.calls.length).toBeGreaterThanOrEqual(2);
  expect(slow.calls.length).toBeLessThanOrEqual(3);
});

test('whoever asks for comparisons while they fail does not hurry them', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  slow.failure = new Error('away');
  await using delivery = startDelivery(temporary.store, slow);
  const asking = setInterval(() => delivery.resyncNow(), 10);
  await sleep(1_200);
  clearInterval(asking);

  expect(slow.calls.length).toBeLessThan(10);
  expect(delivery.lastError).toBe('away');
});

test("entries of this machine's id that come again and again are told: another has the same id", async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  const passMinute = mockedMinutes();
  await using delivery = startDelivery(temporary.store, slow);
  await until('the first comparison', () => delivery.lag === 0);
  const problems: string[] = [];
  for (const id of ['theirs-1', 'theirs-2', undefined]) {
    if (id !== undefined) slow.entries.set(id, JSON.stringify(instanceOf({ id })));
    const compared = slow.calls.length;
    passMinute();
    await until('the next comparison', () => slow.calls.length > compared && slow.running === 0);
    await sleep(60);
    problems.push(delivery.lastError);
  }

  expect(problems).toEqual(['', expect.stringMatching(/another process writes .*node-id/), '']);
  expect(delivery.logged.map((line) => line.split(',')[0])).toEqual([
    "another process writes entries of this machine's id",
  ]);
});

/** @returns lets more time pass than there is between two comparisons */
function mockedMinutes(): () => void {
  const now = performance.now.bind(performance);
  let passedMs = 0;
  const mock = vi.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
  onTestFinished(() => mock.mockRestore());
  return () => {
    passedMs += 80_000;
  };
}

test('an entry that the registry does not take keeps no other back, and is told once and remembered', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  slow.refused.add('c1-1');
  registerNumbered(temporary.store, 1);
  registerNumbered(temporary.store, 2);
  await using delivery = startDelivery(temporary.store, slow);
  await until('the second to be there', () => slow.entries.has('c2-1'));
  await until('the delivery to be over', () => delivery.lag === 0);
  const meanwhile = [delivery.refused, [...temporary.store.refusals('slow')], delivery.lastError];
  slow.refused.clear();
  delivery.resyncNow();
  await until('the first to be there', () => slow.entries.has('c1-1'));
  await until('that to be remembered', () => temporary.store.refusals('slow').size === 0);

  expect(meanwhile).toEqual([[{ key: 'c1-1', because: 'not here' }], [['c1-1', 'not here']], '']);
  expect(delivery.logged).toEqual([
    'the registry does not take an entry {"mirror":"slow","key":"c1-1","because":"not here"}',
  ]);
});

test('a store that is damaged is told of, and nothing is delivered any more', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  const damaged = new StoreFailure('corrupt', 'the file is damaged');
  const store: Store = Object.assign(Object.create(temporary.store), {
    revision: () => {
      throw damaged;
    },
  });
  await using delivery = startDelivery(store, slow);
  await sleep(200);

  expect([delivery.damage, slow.calls]).toEqual([[damaged], []]);
});

test('disposed while the mirror does not answer, it ends at once and leaves the store alone', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  slow.callMs = 60_000;
  const delivery = startDelivery(temporary.store, slow);
  await until('a call to hang', () => slow.running === 1);

  await delivery[Symbol.asyncDispose]();
  temporary.store.close();
  await sleep(100);

  expect([slow.running, delivery.logged, delivery.damage]).toEqual([0, [], []]);
});

test('nothing is delivered before it may begin, and it ends also where that never comes', async () => {
  using temporary = temporaryStore();
  const slow = new SlowMirror();
  registerNumbered(temporary.store, 1);
  const delivery = startDelivery(temporary.store, slow, new Promise(() => undefined));
  await sleep(100);

  await delivery[Symbol.asyncDispose]();

  expect(slow.calls).toEqual([]);
});
