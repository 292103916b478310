import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Log } from '../../../lib/log/log.ts';
import type { ImportConfig } from '../../../lib/mirror/config.ts';
import { Latest } from '../../../lib/mirror/latest.ts';
import type { Source } from '../../../lib/mirror/mirror.ts';
import { Imports } from '../../../lib/registry/imports.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { ServiceImport } from '../../../plugins/agent/mirror-import.ts';
import { instanceOf } from '../../support/registry.ts';

/** A registry that says what the test says, to whoever watches it then. */
class ScriptedSource implements Source {
  readonly #names = new Set<Latest<readonly string[] | Error>>();
  readonly #services = new Map<string, Latest<readonly Instance[] | Error>>();
  /** Services that are watched. */
  readonly watched = new Set<string>();

  nameOf({ service }: { readonly service: string }): string {
    return service;
  }

  async query(): Promise<readonly Instance[]> {
    return [];
  }

  tellNames(names: readonly string[] | Error): void {
    for (const latest of this.#names) latest.set(names);
  }

  tell(service: string, instances: readonly Instance[] | Error): void {
    this.#services.get(service)?.set(instances);
  }

  async *watchNames(signal: AbortSignal): AsyncGenerator<readonly string[]> {
    const latest = new Latest<readonly string[] | Error>(signal);
    this.#names.add(latest);
    yield* told(latest);
  }

  async *watch(name: string, signal: AbortSignal): AsyncGenerator<readonly Instance[]> {
    const latest = new Latest<readonly Instance[] | Error>(signal);
    this.#services.set(name, latest);
    this.watched.add(name);
    try {
      yield* told(latest);
    } finally {
      this.watched.delete(name);
    }
  }
}

async function* told<T>(latest: Latest<T | Error>): AsyncGenerator<T> {
  for await (const value of latest) {
    if (value instanceof Error) throw value;
    yield value;
  }
}

const node = '2222222222222222';
const ours = (said: Partial<Instance> = {}) => instanceOf({ owner: { kind: 'api', node }, ...said });
const foreign = (said: Partial<Instance> = {}) =>
  ours({ id: 'foreign', owner: { kind: 'api', node: 'outside-main' }, ...said });

function begin(services: ImportConfig['services'] = ['*']) {
  const source = new ScriptedSource();
  const imports = new Imports({ node: '1111111111111111', firstRevision: 0 });
  const warnings: string[] = [];
  const log: Log = {
    info: () => undefined,
    warn: (message, fields) => warnings.push(`${message} ${fields?.because ?? ''}`.trim()),
    error: () => undefined,
  };
  const config = { namespace: 'corp', services };
  const serviceImport = new ServiceImport({ name: 'main', config, source, imports, log });
  const end = new AbortController();
  const running = serviceImport.run(end.signal);
  const shown = () =>
    imports
      .instances()
      .map(({ namespace, service, address }) => `${service}.${namespace} ${address}`)
      .sort();
  return { source, imports, warnings, serviceImport, end, running, shown };
}

/** Lets everything run that waits for nothing. */
const settle = () => vi.advanceTimersByTimeAsync(1);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('services of an outside registry', () => {
  test('come and go with their names and instances', async () => {
    const { source, serviceImport, shown, end } = begin();
    source.tellNames(['api', 'web']);
    await settle();
    source.tell('web', [ours({ address: '10.2.0.1' })]);
    source.tell('api', [ours({ id: 'api-1', service: 'api', address: '10.2.0.2' })]);
    await settle();
    const both = shown();
    source.tell('web', []);
    await settle();
    const one = shown();
    source.tellNames(['web']);
    await settle();
    end.abort();

    expect(both).toEqual(['api.default 10.2.0.2', 'web.default 10.2.0.1']);
    expect(one).toEqual(['api.default 10.2.0.2']);
    expect([shown(), serviceImport.status().services]).toEqual([[], 1]);
  });

  test('are those that a pattern names', async () => {
    const { source, end } = begin(['billing', 'shop-*']);
    source.tellNames(['billing', 'billing-2', 'shop-a', 'shop-', 'shop', 'a-shop-a', 'Billing']);
    await settle();
    const { watched } = source;

    expect([...watched].sort()).toEqual(['billing', 'shop-', 'shop-a']);
    end.abort();
  });

  test('stand in the namespace of the import where they are foreign, and in their own where they are ours', async () => {
    const { source, shown, end } = begin();
    source.tellNames(['web']);
    await settle();
    source.tell('web', [
      foreign({ address: '10.3.0.1' }),
      ours({ namespace: 'shop', address: '10.2.0.1' }),
      ours({ id: 'own', address: '10.1.0.1', owner: { kind: 'api', node: '1111111111111111' } }),
    ]);
    await settle();
    end.abort();

    expect(shown()).toEqual(['web.corp 10.3.0.1', 'web.shop 10.2.0.1']);
  });

  test('are 1,000 at most, the first by their names, and that is told once', async () => {
    const { source, serviceImport, warnings, end } = begin();
    const names = Array.from({ length: 1_001 }, (_, at) => `s-${String(at).padStart(4, '0')}`);
    source.tellNames(names.toReversed());
    await settle();
    source.tellNames(names);
    await settle();

    expect([source.watched.size, source.watched.has('s-1000')]).toEqual([1_000, false]);
    expect([serviceImport.status().services, warnings]).toEqual([
      1_000,
      ['too many services; only the first are imported'],
    ]);
    end.abort();
  });
});

describe('while the registry is away', () => {
  test.each(['names', 'web'])('what was last known stays, and it is followed again (%s)', async (what) => {
    const { source, serviceImport, shown, warnings, end } = begin();
    source.tellNames(['web']);
    await settle();
    source.tell('web', [ours({ address: '10.2.0.1' })]);
    await settle();
    const error = new Error('main: connection refused');
    for (let time = 0; time < 2; time++) {
      if (what === 'names') source.tellNames(error);
      else source.tell('web', error);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    const during = [shown(), serviceImport.status()];

    source.tellNames(['web']);
    source.tell('web', [ours({ address: '10.2.0.9' })]);
    await settle();
    end.abort();

    expect(during).toMatchObject([
      ['web.default 10.2.0.1'],
      { isConnected: false, lastError: 'main: connection refused', instances: 1 },
    ]);
    expect(warnings).toHaveLength(1);
    expect(shown()).toEqual(['web.default 10.2.0.9']);
    expect(serviceImport.status()).toMatchObject({ isConnected: true, lastError: '' });
  });
});

describe('the start', () => {
  test('has settled when every service is known, or a second has gone', async () => {
    const { source, serviceImport, end } = begin();
    const settled = vi.fn();
    void serviceImport.settled.then(settled);
    source.tellNames(['a', 'b']);
    await settle();
    source.tell('a', []);
    await settle();
    const early = settled.mock.calls.length;
    source.tell('b', []);
    await settle();
    end.abort();
    const other = begin();
    const late = vi.fn();
    void other.serviceImport.settled.then(late);
    await vi.advanceTimersByTimeAsync(990);
    const before = late.mock.calls.length;
    await vi.advanceTimersByTimeAsync(20);
    other.end.abort();

    expect([early, settled.mock.calls.length, before, late.mock.calls.length]).toEqual([0, 1, 0, 1]);
  });
});

test('the signal ends everything, also what waits to try again', async () => {
  const { source, end, running } = begin();
  source.tellNames(['a', 'b']);
  await settle();
  source.tell('b', new Error('away'));
  await settle();

  end.abort();
  await running;

  expect([...source.watched]).toEqual([]);
});
