import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { restoreMissing } from '../../../lib/registry/restore.ts';
import { temporaryStore } from '../../support/registrations.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

type Cached = { readonly [field: string]: unknown };

/** A store, and a directory of what libcni has kept. */
function createFixture() {
  const temporary = temporaryStore();
  const resultsDir = `${temporary.dir}/results`;
  mkdirSync(resultsDir);
  const warnings: string[] = [];
  let nowUs = 1_000_000;
  const restore = () =>
    restoreMissing({
      machine: scriptMachine({
        proc: {
          '/proc/sys/kernel/random/boot_id': 'boot-of-tests',
        },
      }),
      openStore: () => temporary.store,
      warn: (message) => warnings.push(message),
      nowUs: () => nowUs++,
      store: temporary.store,
      resultsDir,
      registering: new Set(['bridge', 'register']),
    });
  const keep = (name: string, content: Cached | string) =>
    writeFileSync(`${resultsDir}/${name}`, typeof content === 'string' ? content : JSON.stringify(content));
  /** The plugins of a network as they stand in a conflist, all with this test's registry. */
  const list = (...plugins: readonly object[]) =>
    base64({
      cniVersion: '1.1.0',
      name: 'net',
      plugins: plugins.map((plugin) => ({ registry: { store: temporary.path }, ...plugin })),
    });
  return { ...temporary, restore, keep, list, warnings, resultsDir };
}

const base64 = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64');

/** What libcni keeps after an ADD that has given 10.1.0.2. */
function cached(config: string, said: Cached = {}): Cached {
  return {
    kind: 'cniCacheV1',
    containerId: 'c1',
    config,
    ifName: 'eth0',
    networkName: 'net',
    netns: '/run/netns/c1',
    result: {
      cniVersion: '1.1.0',
      interfaces: [{ name: 'cni0' }, { name: 'eth0', sandbox: '/run/netns/c1' }],
      ips: [{ address: '10.1.0.2/24', gateway: '10.1.0.1', interface: 1 }],
    },
    ...said,
  };
}

describe('what is attached but has no name', () => {
  test('is registered from what the runtime has kept: its configuration, arguments, labels and result', () => {
    using fixture = createFixture();
    const labels = { args: { cni: { labels: { SERVICE_TAGS: 'v1' } } } };
    const config = fixture.list({ type: 'bridge', ...labels, capabilities: { portMappings: true } });
    fixture.keep(
      'net-c1-eth0',
      cached(config, {
        cniArgs: [
          ['IgnoreUnknown', '1'],
          ['K8S_POD_NAME', 'loses'],
          ['SERVICE_NAME', 'web'],
        ],
        capabilityArgs: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] },
      }),
    );

    expect(fixture.restore()).toEqual(['c1']);
    expect(fixture.store.instances()).toMatchObject([
      {
        service: 'web',
        address: '10.1.0.2',
        port: 80,
        tags: ['v1'],
        owner: { containerId: 'c1', ifName: 'eth0' },
      },
    ]);
    expect(fixture.store.attachments()).toMatchObject([
      { gateways: ['10.1.0.1'], proof: { netns: { path: '/run/netns/c1', inode: 2 } } },
    ]);
    expect([fixture.warnings, fixture.restore()]).toEqual([[], []]);
  });

  test('is registered from a single configuration as well, and from a result of an old version', () => {
    using fixture = createFixture();
    const config = { cniVersion: '0.2.0', name: 'net', type: 'bridge', registry: { store: fixture.path } };
    const result = { cniVersion: '0.2.0', ip4: { ip: '10.1.0.2/24', gateway: '10.1.0.1' } };
    fixture.keep('net-c1-eth0', cached(base64(config), { result }));

    expect(fixture.restore()).toEqual(['c1']);
  });

  test('is found by the result where libcni did not keep the namespace', () => {
    using fixture = createFixture();
    fixture.keep('net-c1-eth0', cached(fixture.list({ type: 'bridge' }), { netns: undefined }));

    expect(fixture.restore()).toEqual(['c1']);
  });

  test('is one instance, completed by what is chained behind', () => {
    using fixture = createFixture();
    const register = { type: 'register', registry: { store: fixture.path, service: 'web', tags: ['v1'] } };
    fixture.keep('net-c1-eth0', cached(fixture.list({ type: 'bridge' }, { type: 'portmap' }, register)));

    fixture.restore();

    expect(fixture.store.instances()).toMatchObject([{ service: 'web', tags: ['v1'] }]);
  });

  test('gets only those arguments of the runtime that its plugins ask for, as at its ADD', () => {
    using fixture = createFixture();
    const portMappings = [{ hostPort: 8080, containerPort: 80 }];
    fixture.keep(
      'net-c1-eth0',
      cached(fixture.list({ type: 'bridge' }), { capabilityArgs: { portMappings } }),
    );

    fixture.restore();

    expect(fixture.store.instances()).toMatchObject([{ port: 0 }]);
  });
});

describe('what is left alone', () => {
  test.each<[string, (fixture: ReturnType<typeof createFixture>) => Cached | string]>([
    ['a container that is gone', ({ list }) => cached(list({ type: 'bridge' }), { netns: '/gone/c1' })],
    ['plugins that register nothing', ({ list }) => cached(list({ type: 'ptp' }))],
    ['another registry', ({ list }) => cached(list({ type: 'bridge', registry: { store: '/other.db' } }))],
    ['registry: false', ({ list }) => cached(list({ type: 'bridge', registry: false }))],
    ['a file of another kind', ({ list }) => cached(list({ type: 'bridge' }), { kind: 'cniCacheV9' })],
    ['the result alone, as libcni kept it before', () => ({ cniVersion: '0.4.0', ips: [] })],
  ])('%s', (_, content) => {
    using fixture = createFixture();
    fixture.keep('net-c1-eth0', content(fixture));

    expect([fixture.restore(), fixture.warnings]).toEqual([[], []]);
    expect(fixture.store.attachments()).toEqual([]);
  });

  test('a container that has a name already keeps it', () => {
    using fixture = createFixture();
    fixture.keep('net-c1-eth0', cached(fixture.list({ type: 'bridge' })));
    fixture.restore();
    const [registered] = fixture.store.instances();
    fixture.store.update(registered?.id ?? '', { status: 'draining' });

    expect(fixture.restore()).toEqual([]);
    expect(fixture.store.instances()).toMatchObject([{ status: 'draining' }]);
  });

  test('a container whose DEL has begun is not brought back', () => {
    using fixture = createFixture();
    fixture.store.withdraw({ network: 'net', containerId: 'c1', ifName: 'eth0' }, 5);
    fixture.keep('net-c1-eth0', cached(fixture.list({ type: 'bridge' })));

    expect([fixture.restore(), fixture.store.instances()]).toEqual([[], []]);
  });

  test('a directory that is not there', () => {
    using fixture = createFixture();

    expect(
      restoreMissing({
        machine: scriptMachine(),
        openStore: () => fixture.store,
        warn: () => undefined,
        nowUs: () => 1,
        store: fixture.store,
        resultsDir: `${fixture.dir}/nowhere`,
        registering: new Set(['bridge']),
      }),
    ).toEqual([]);
  });
});

test.each([
  ['an empty file', ''],
  ['half a file', '{"kind":"cniCacheV1","containerId":"c1","con'],
  ['a list', '[]'],
  ['a configuration that is none', JSON.stringify(cached('!!!'))],
  [
    'a name that is none',
    JSON.stringify(cached(base64({ cniVersion: '1.1.0', name: '../x', type: 'bridge' }))),
  ],
])('%s is warned of by its path, and stops no other', (_, content) => {
  using fixture = createFixture();
  fixture.keep('a-broken', content);
  fixture.keep('net-c1-eth0', cached(fixture.list({ type: 'bridge' })));

  expect(fixture.restore()).toEqual(['c1']);
  expect(fixture.warnings).toEqual([expect.stringContaining(`${fixture.resultsDir}/a-broken`)]);
});
