import type { ProbeResult } from '../../../lib/health/probe-attempt.ts';
import { HealthScheduler, type HealthSchedulerOptions } from '../../../lib/health/scheduler.ts';
import { defaultTiming, type HealthCheck } from '../../../lib/registry/health-check.ts';
import type { Instance, Status } from '../../../lib/registry/instance.ts';
import type { RegistryView } from '../../../lib/registry/view.ts';
import { Random } from '../../support/random.ts';
import { createViewFixture, instanceOf } from '../../support/registry.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

export const node = 'node-of-tests';

type Answer = { readonly ok: boolean; readonly tookMs?: number };

export type Rig = Disposable & {
  readonly clock: FakeClock;
  readonly view: RegistryView;
  readonly scheduler: HealthScheduler;
  /** When each probe began, in milliseconds of the clock, by port. */
  readonly started: ReadonlyMap<number, readonly number[]>;
  /** The most probes that were under way at once. */
  readonly most: () => number;
  /** One entry for each transaction. */
  readonly transactions: readonly (readonly string[])[];
  /** Sets what others would: the scheduler hears of it at once. */
  readonly put: (...instances: Instance[]) => void;
  /** The same, but nobody has looked at the registry since. */
  readonly putUnseen: (...instances: Instance[]) => void;
  readonly withdraw: (id: string) => void;
  readonly statusOf: (id: string) => Status | undefined;
  /** What the next transactions throw. */
  readonly store: { failure: Error | undefined };
};

type RigOptions = Partial<HealthSchedulerOptions> & {
  readonly instances?: readonly Instance[];
  /** What the probe of that port answers now. */
  readonly answer?: (port: number, atMs: number) => Answer;
};

/** A scheduler over a registry in memory, whose clock the test moves and whose probes it answers. */
export function createRig({
  instances = [],
  answer = () => ({ ok: true }),
  ...options
}: RigOptions = {}): Rig {
  const clock = createFakeClock();
  const fixture = createViewFixture(instances);
  const random = new Random();
  const transactions: (readonly string[])[] = [];
  const store: Rig['store'] = { failure: undefined };
  const started = new Map<number, number[]>();
  let running = 0;
  let most = 0;
  const commit = (ids: readonly string[], write: () => void) => {
    if (store.failure !== undefined) throw store.failure;
    transactions.push(ids);
    write();
    // The agent polls soon after.
    clock.after(5, () => fixture.view.refresh());
  };
  const probe: HealthSchedulerOptions['probe'] = (_probe, { port }, { timeoutMs, signal }) => {
    const atMs = clock.nowMs();
    started.set(port, [...(started.get(port) ?? []), atMs]);
    most = Math.max(most, ++running);
    const { ok, tookMs = 1 } = answer(port, atMs);
    const latencyMs = Math.min(tookMs, timeoutMs);
    const { promise, resolve } = Promise.withResolvers<ProbeResult>();
    const end = () => resolve({ ok: ok && tookMs < timeoutMs, output: 'scripted', latencyMs });
    signal.addEventListener('abort', end);
    clock.after(latencyMs, end);
    return promise.finally(() => running--);
  };
  const scheduler = new HealthScheduler({
    node,
    view: fixture.view,
    setStatus: (updates) =>
      commit([...updates.keys()], () => {
        const known = [...updates].flatMap(([id, update]) => {
          const instance = fixture.view.get(id);
          return instance === undefined ? [] : [{ ...instance, ...update } as Instance];
        });
        fixture.put(...known);
      }),
    remove: (ids) => commit(ids, () => fixture.remove(...ids)),
    clock,
    random: () => random.below(1_000_000) / 1_000_000,
    probe,
    ...options,
  });
  return {
    clock,
    view: fixture.view,
    scheduler,
    started,
    most: () => most,
    transactions,
    put: (...put) => {
      fixture.put(...put);
      fixture.view.refresh();
    },
    putUnseen: fixture.put,
    withdraw: (id) => {
      fixture.remove(id);
      fixture.view.refresh();
    },
    statusOf: (id) => {
      fixture.view.refresh();
      return fixture.view.get(id)?.status;
    },
    store,
    [Symbol.dispose]: () => scheduler[Symbol.dispose](),
  };
}

/** A TCP check of defaults but for what a test says. */
export function checkOf(said: Partial<HealthCheck> = {}): HealthCheck {
  return { ...defaultTiming, probe: { kind: 'tcp' }, ...said };
}

/** An instance `web-<port>` on its own port with that check. */
export function checkedInstance(
  port: number,
  check: Partial<HealthCheck> = {},
  said: Partial<Instance> = {},
) {
  return instanceOf({ id: `web-${port}`, port, check: checkOf(check), ...said });
}

/** An instance that reports by itself, registered over the API. */
export function ttlInstance(ttlMs: number, check: Partial<HealthCheck> = {}, said: Partial<Instance> = {}) {
  return instanceOf({ id: 'job', check: checkOf({ probe: { kind: 'ttl', ttlMs }, ...check }), ...said });
}
