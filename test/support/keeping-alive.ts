import { expect, test } from 'vitest';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { Store } from '../../lib/registry/store.ts';
import { Delivery } from '../../plugins/agent/mirror-delivery.ts';
import { eventually } from './eventually.ts';
import { registerNumbered, temporaryStore } from './registrations.ts';
import type { RegistryServer } from './registry-server.ts';

/** A registry that a test may freeze. */
export type KeepingSubject = AsyncDisposable & {
  readonly server: RegistryServer;
  readonly mirror: OutsideRegistry;
  /** How soon deliveries must fail once it is frozen, in milliseconds. */
  readonly withinMs: number;
};

/** Delivers to a mirror, and keeps alive what is there, as the agent does, until the value is disposed. */
export function startKeeping(store: Store, mirror: OutsideRegistry): Delivery & AsyncDisposable {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const onDamage = (error: Error) => {
    throw error;
  };
  const delivery = new Delivery({ store, mirror, log: silent, onDamage });
  const end = new AbortController();
  const running = mirror.run(() => delivery.resyncNow(), end.signal);
  const dispose = delivery[Symbol.asyncDispose].bind(delivery);
  return Object.assign(delivery, {
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await Promise.all([running, dispose()]);
    },
  });
}

/** While nobody can keep its entries alive, the agent says so; with nothing to deliver it would not notice otherwise. */
export function describeKeeping(name: string, create: () => Promise<KeepingSubject>): void {
  const options = { timeout: 120_000 };
  test(
    `${name}: frozen, deliveries fail before the entries go; and they go on when it answers again`,
    options,
    async () => {
      await using subject = await create();
      using temporary = temporaryStore();
      registerNumbered(temporary.store, 1);
      await using delivery = startKeeping(temporary.store, subject.mirror);
      await until('the entry to be delivered', () => delivery.entries === 1 && delivery.lag === 0);

      subject.server.stop();
      const frozenAtMs = performance.now();
      await until('the delivery to fail', () => delivery.lastError !== '');
      const failedAfterMs = Math.round(performance.now() - frozenAtMs);
      const { lastError } = delivery;
      subject.server.cont();
      await until('the delivery to succeed', () => delivery.lastError === '');

      console.log(`${name}: told after ${failedAfterMs} ms: ${lastError}`);
      expect(failedAfterMs).toBeLessThan(subject.withinMs);
      expect(lastError).toContain(name);
    },
  );
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  await eventually(what, async () => isSo() || undefined);
}
