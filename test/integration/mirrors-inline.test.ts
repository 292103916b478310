import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { parseMirrorSummaries } from '../../lib/mirror/summary.ts';
import { toldKey } from '../../lib/mirror/told.ts';
import { hold } from '../../lib/registry/presence.ts';
import { binDir } from '../support/binaries.ts';
import { bridgeConf, v4 } from '../support/confs.ts';
import { requireConsul } from '../support/consul.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { EtcdServers } from '../support/etcd.ts';
import { linkNames } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { inside, run } from '../support/process.ts';
import type { RegistryServer } from '../support/registry-server.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { names, openRegistry } from '../support/rig-registry.ts';

// What ADD and DEL do with outside registries while no agent runs. The servers are real, in the host's namespace.

/** An outside registry under test. */
type Outside = RegistryServer & {
  /** Its entry in the file of mirrors. */
  readonly mirror: object;
  /** What it has of ours, in alphabetical order. */
  readonly addresses: () => Promise<readonly string[]>;
};

type Backend = {
  readonly requires: (context: TestContext) => void;
  readonly start: (rig: Rig) => Promise<Outside>;
};

const backends: Record<string, Backend> = {
  etcd: {
    requires: () => undefined,
    start: async (rig) => {
      const server = await EtcdServers.start({
        places: [{ netns: rig.host, address: '127.0.0.1' }],
        dir: rig.dir,
      });
      const listed = ['get', '--prefix', '/fairlead/registry/instances/', '--print-value-only'];
      return Object.assign(server, {
        mirror: { name: 'main', type: 'etcd', endpoints: server.endpoints },
        addresses: async () =>
          (await server.etcdctl(...listed))
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => (JSON.parse(line) as { address: string }).address)
            .sort(),
      });
    },
  },
  consul: {
    requires: requireConsul,
    start: async (rig) => {
      const server = await ConsulServer.start({
        place: { netns: rig.host, address: '127.0.0.1' },
        dir: rig.dir,
        store: 'memory',
      });
      return Object.assign(server, {
        mirror: { name: 'main', type: 'consul', endpoints: server.endpoints },
        addresses: async () => {
          const { body } = await server.call('/v1/agent/services');
          return Object.values(body as Record<string, { Address: string; Meta: Record<string, string> }>)
            .filter(({ Address, Meta }) => 'fairlead-node' in Meta && Address !== '')
            .map(({ Address }) => Address)
            .sort();
        },
      });
    },
  },
};

/** A network whose registry has these mirrors. */
function confOf(rig: Rig, mirrors: readonly object[], registry: object = {}): Conf {
  const file = `${rig.dir}/mirrors.json`;
  writeFileSync(file, JSON.stringify({ mirrors }));
  return bridgeConf(rig, { registry: { store: rig.store, mirrors: file, ...registry } });
}

const required = { policy: 'required' };

/** How long something took, in milliseconds, and what it gave. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly tookMs: number; readonly value: T }> {
  const startedAt = performance.now();
  const value = await work();
  return { tookMs: performance.now() - startedAt, value };
}

/** The command line in the host's namespace, where the servers are. */
function fairlead(rig: Rig, ...args: readonly string[]) {
  const options = [
    '--store',
    rig.store,
    '--mirrors',
    `${rig.dir}/mirrors.json`,
    '--api',
    `unix:${rig.dir}/none`,
  ];
  return run({
    file: 'nsenter',
    args: inside(rig.host, `${binDir}/fairlead`, 'mirrors', ...args, ...options),
  });
}

describe.each(Object.entries(backends))('%s', (_, { requires, start }) => {
  test('has a container when its ADD returns, and has it no more when its DEL returns', async (context) => {
    requires(context);
    await using rig = await Rig.create();
    await using server = await start(rig);
    const container = await rig.container();
    const conf = confOf(rig, [server.mirror], required);

    const add = await rig.cni('ADD', conf, container);
    const during = await server.addresses();
    const check = await rig.cni('CHECK', { ...conf, prevResult: add.result }, container);
    const del = await rig.cni('DEL', conf, container);

    expect([add.status, add.stderr, check.status, del.status, del.stderr]).toEqual([0, '', 0, 0, '']);
    expect([during, await server.addresses()]).toEqual([[v4.first], []]);
  });

  test('that stands still takes no more than its time from a call that does not need it', async (context) => {
    requires(context);
    await using rig = await Rig.create();
    await using server = await start(rig);
    const [first, second] = [await rig.container(), await rig.container()];
    const conf = confOf(rig, [server.mirror], { mirrorTimeout: '1s' });
    const usual = await timed(() => rig.cni('ADD', { ...conf, registry: { store: rig.store } }, first));

    server.stop();
    const add = await timed(() => rig.cni('ADD', conf, second));
    const del = await timed(() => rig.cni('DEL', conf, first));
    server.cont();

    console.log(
      `usual ${usual.tookMs.toFixed()} ms, ADD ${add.tookMs.toFixed()}, DEL ${del.tookMs.toFixed()}`,
    );
    const late = expect.stringContaining('"main": it has not confirmed within 1 s');
    expect([add.value.status, add.value.stderr]).toEqual([0, late]);
    expect([del.value.status, del.value.stderr]).toEqual([0, late]);
    expect(add.tookMs).toBeLessThan(1_500 + usual.tookMs);
    expect(del.tookMs).toBeLessThan(1_500 + usual.tookMs);
    expect((await fairlead(rig, 'deliver')).status).toBe(0);
    expect(await server.addresses()).toEqual([v4.second]);
  });

  test('that stands still fails an ADD that needs it, and nothing is left of that anywhere', async (context) => {
    requires(context);
    await using rig = await Rig.create();
    await using server = await start(rig);
    const [first, second] = [await rig.container(), await rig.container()];
    const conf = confOf(rig, [server.mirror], { ...required, mirrorTimeout: '1s' });
    await rig.add(conf, first);
    await rig.del(conf, first);

    server.stop();
    const { tookMs, value } = await timed(() => rig.cni('ADD', conf, second));
    server.cont();

    expect(value.error).toMatchObject({ code: 11, msg: expect.stringContaining('not confirmed by ') });
    expect(value.error?.msg).toContain('it has not confirmed within 1 s');
    expect(tookMs).toBeLessThan(3_000);
    expect([await linkNames(second), await leftovers(rig), names(rig)]).toEqual([[], nothing, []]);
    expect((await fairlead(rig, 'deliver')).status).toBe(0);
    expect(await server.addresses()).toEqual([]);
  });

  test('that is not there fails an ADD that needs it at once, and is delivered to once it is', async (context) => {
    requires(context);
    await using rig = await Rig.create();
    await using server = await start(rig);
    const [first, second] = [await rig.container(), await rig.container()];
    await rig.add(confOf(rig, [server.mirror]), first);
    await server.kill();

    const needed = await timed(() => rig.cni('ADD', confOf(rig, [server.mirror], required), second));
    const del = await rig.cni('DEL', confOf(rig, [server.mirror]), first);
    const add = await rig.cni('ADD', confOf(rig, [server.mirror]), second);
    await server.restart();
    const delivered = await fairlead(rig, 'deliver', '--json');

    expect([needed.value.error?.code, needed.value.error?.msg]).toEqual([
      11,
      expect.stringContaining('ECONNREFUSED'),
    ]);
    expect(needed.tookMs).toBeLessThan(2_000);
    for (const { status, stderr } of [del, add])
      expect([status, stderr]).toEqual([0, expect.stringContaining('not delivered yet to')]);
    expect(JSON.parse(delivered.stdout)).toMatchObject([{ name: 'main', state: 'delivered' }]);
    expect(await server.addresses()).toEqual(names(rig).map((name) => name.split(' ')[1]));
  });

  test('has all of 20 containers that are added at once, each when its ADD returns', async (context) => {
    requires(context);
    await using rig = await Rig.create();
    await using server = await start(rig);
    const conf = confOf(rig, [server.mirror], { ...required, mirrorTimeout: '20s' });
    const containers = await rig.containers(20);

    const { tookMs, value } = await timed(() =>
      Promise.all(containers.map((container) => rig.cni('ADD', conf, container))),
    );
    const during = await server.addresses();
    await Promise.all(containers.map((container) => rig.del(conf, container)));

    console.log(`20 ADDs at once: ${tookMs.toFixed()} ms`);
    const added = value.map(({ result }) => result?.ips?.[0]?.address.replace(/\/.*/, ''));
    expect(during).toEqual(added.toSorted());
    expect(await server.addresses()).toEqual([]);
  });

  test('is asked by "mirrors query"', async (context) => {
    requires(context);
    await using rig = await Rig.create();
    await using server = await start(rig);
    await rig.add(confOf(rig, [server.mirror], { service: 'web' }), await rig.container());

    const { stdout } = await fairlead(rig, 'query', 'main', 'web', '--json');
    const unknown = await fairlead(rig, 'query', 'other', 'web');

    expect(JSON.parse(stdout)).toMatchObject([{ service: 'web', address: v4.first }]);
    expect([unknown.status, unknown.stderr]).toEqual([
      1,
      expect.stringContaining('there is no mirror "other"; there is main'),
    ]);
  });
});

test('a mirror that only an agent can serve fails an ADD that needs it before anything is attached', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const mirror = { name: 'zoo', type: 'zookeeper', endpoints: ['127.0.0.1:2181'] };
  const conf = confOf(rig, [mirror], required);

  const { tookMs, value } = await timed(() => rig.cni('ADD', conf, container));
  const status = await rig.cni('STATUS', conf, container);
  const forgiving = await rig.cni('ADD', confOf(rig, [mirror]), container);
  const listed = await fairlead(rig, '--json');

  expect(value.error).toMatchObject({ code: 11, msg: expect.stringContaining('only "fairlead agent" can') });
  expect(tookMs).toBeLessThan(1_500);
  expect(status.error).toMatchObject({ code: 50, msg: expect.stringContaining('zookeeper "zoo"') });
  expect([forgiving.status, forgiving.stderr]).toEqual([0, '']);
  expect(JSON.parse(listed.stdout)).toEqual([
    { name: 'zoo', kind: 'zookeeper', state: 'no agent', refusedCount: 0, lastError: '' },
  ]);
});

test('a registry that stands still keeps no other from what it is to be told', async () => {
  await using rig = await Rig.create();
  const start = backends.etcd?.start ?? (() => Promise.reject(new Error('there is no etcd')));
  await using server = await start(rig);
  const places = [{ netns: rig.host, address: '127.0.0.2' }];
  await using standing = await EtcdServers.start({ places, dir: `${rig.dir}/standing` });
  standing.stop();
  const frozen = { name: 'frozen', type: 'etcd', endpoints: standing.endpoints, required: false };
  const conf = confOf(rig, [frozen, server.mirror], { ...required, mirrorTimeout: '5s' });
  const containers = await rig.containers(4);

  const answers = await Promise.all(containers.map((container) => rig.cni('ADD', conf, container)));

  expect(answers.map(({ status, stdout }) => [status, status === 0 ? '' : stdout])).toEqual(
    containers.map(() => [0, '']),
  );
  for (const { stderr } of answers) expect(stderr).toContain('not delivered yet to etcd "frozen": ');
  expect(await server.addresses()).toHaveLength(4);
});

test('a delivering process that is killed is nothing but a delivery that has failed', async () => {
  await using rig = await Rig.create();
  const start = backends.etcd?.start ?? (() => Promise.reject(new Error('there is no etcd')));
  await using server = await start(rig);
  const [first, second] = [await rig.container(), await rig.container()];
  const conf = confOf(rig, [server.mirror], { mirrorTimeout: '20s' });
  server.stop();

  const adding = rig.cni('ADD', conf, first);
  const pid = await deliveringPid(rig);
  process.kill(pid, 'SIGKILL');
  const killed = await adding;
  server.cont();
  const next = await rig.cni('ADD', conf, second);

  expect([killed.status, killed.stderr]).toEqual([
    0,
    expect.stringContaining('the process that delivers ended with SIGKILL'),
  ]);
  expect([next.status, next.stderr]).toEqual([0, '']);
  expect(await server.addresses()).toEqual([v4.first, v4.second]);
});

test('an agent is left to deliver; an ADD that needs its confirmation waits for it', async () => {
  await using rig = await Rig.create();
  const [first, second] = [await rig.container(), await rig.container()];
  const mirror = { name: 'zoo', type: 'zookeeper', endpoints: ['127.0.0.1:2181'] };
  const conf = confOf(rig, [mirror], { ...required, mirrorTimeout: '10s' });
  using store = openRegistry(rig.store);
  using _ = hold('agent', rig.store);

  const adding = timed(() => rig.cni('ADD', conf, first));
  while (store.instances().length === 0) await sleep(20);
  await sleep(300);
  const [told] = parseMirrorSummaries({ mirrors: [mirror] });
  if (told !== undefined) store.setMirrored(toldKey(told, 'held'), store.revision());
  const confirmed = await adding;
  const late = await rig.cni('ADD', confOf(rig, [mirror], { ...required, mirrorTimeout: '200ms' }), second);

  expect([confirmed.value.status, confirmed.tookMs > 300]).toEqual([0, true]);
  expect(late.error).toMatchObject({
    code: 11,
    msg: expect.stringContaining('the agent has not confirmed within 0.2 s; see "fairlead mirrors"'),
  });
  expect([await linkNames(second), names(rig)]).toEqual([[], [`${first} ${v4.first}`]]);
});

/** The process that delivers from the rig's registry, as soon as it waits for its mirror. */
async function deliveringPid(rig: Rig): Promise<number> {
  for (;;) {
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isDelivering(name, rig.store));
    if (pid !== undefined) return Number(pid);
    await sleep(10);
  }
}

function isDelivering(pid: string, store: string): boolean {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return args[0] === 'fairlead' && args.includes('deliver') && args.includes(store);
  } catch {
    return false;
  }
}
