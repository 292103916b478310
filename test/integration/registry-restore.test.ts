import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, type TestContext, test } from 'vitest';
import type { Instance } from '../../lib/registry/instance.ts';
import { restoreMissing } from '../../lib/registry/restore.ts';
import { setAside } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';
import { sweepDead } from '../../lib/registry/sweep.ts';
import { createCnitool, findCnitool } from '../support/cnitool.ts';
import { dualConf } from '../support/confs.ts';
import { inside, must, startBeside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { names, openRegistry, realMachine, registered } from '../support/rig-registry.ts';
import { skipUnless } from '../support/skip.ts';

// What the agent does with a registry that was lost, and with containers that have gone without a DEL: here over what a
// real libcni has kept. Both touch only the registry's file and what the machine tells of namespaces.

let cnitool: string | undefined;

beforeAll(async () => {
  cnitool = await findCnitool();
}, 200_000);

function requireCnitool(context: TestContext): string {
  skipUnless(context, cnitool !== undefined, 'there is no cnitool, and it could not be compiled');
  return cnitool ?? '';
}

const nowUs = () => Number(process.hrtime.bigint() / 1000n);

/** Our bridge with the arguments of a runtime, and `register` behind it. */
function plugins(rig: Rig): readonly Conf[] {
  const {
    cniVersion: _,
    name: __,
    ...bridge
  } = dualConf(rig, {
    registry: { store: rig.store, meta: { stage: 'test' } },
    capabilities: { portMappings: true, 'io.kubernetes.cri.pod-annotations': true },
    args: { cni: { labels: { SERVICE_OWNER: 'team a' } } },
  });
  return [bridge, { type: 'register', registry: { store: rig.store, tags: ['v1'] } }];
}

const options = {
  args: 'IgnoreUnknown=1;SERVICE_NAME=web;K8S_POD_NAMESPACE=shop',
  capabilities: {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
    'io.kubernetes.cri.pod-annotations': { SERVICE_WEIGHT: '3' },
  },
};

/** A host port has one container only. */
function withPort(hostPort: number): typeof options {
  const portMappings = [{ hostPort, containerPort: 80, protocol: 'tcp' }];
  return { ...options, capabilities: { ...options.capabilities, portMappings } };
}

function restore(store: Store, resultsDir: string) {
  const warnings: string[] = [];
  const restored = restoreMissing({
    machine: realMachine,
    openStore: () => store,
    warn: (message) => warnings.push(message),
    nowUs,
    store,
    resultsDir,
    registering: new Set(['bridge', 'register']),
  });
  return { restored, warnings };
}

/** Instances without what a new registration may change. */
function lasting(instances: readonly Instance[] | undefined): readonly object[] {
  return (instances ?? []).map(({ revision: _, createdAtMs: __, ...rest }) => rest);
}

test('a registry that was lost is restored from what libcni has kept, as the ADDs had made it', async (context) => {
  await using rig = await Rig.create();
  const tool = createCnitool(rig, requireCnitool(context), plugins(rig));
  const container = await rig.container();
  const added = await tool.call('add', container, options);
  const before = registered(rig);
  setAside(rig.store, new Date());

  using store = openRegistry(rig.store);
  const empty = store.instances();
  const { restored, warnings } = restore(store, tool.resultsDir);
  const again = restore(store, tool.resultsDir);
  const check = await tool.call('check', container, options);

  expect([added.status, before?.length, empty, warnings]).toEqual([0, 2, [], []]);
  expect(before).toMatchObject([
    {
      service: 'web',
      namespace: 'shop',
      port: 80,
      weight: 3,
      tags: ['v1'],
      meta: { owner: 'team a', stage: 'test' },
    },
    { family: 6 },
  ]);
  expect(lasting(store.instances())).toEqual(lasting(before));
  expect([restored.length, again.restored, check.status]).toEqual([1, [], 0]);
});

test('after a DEL nothing is restored, and after the end of a container neither', async (context) => {
  await using rig = await Rig.create();
  const tool = createCnitool(rig, requireCnitool(context), plugins(rig));
  const [withdrawn, ended, alive] = [await rig.container(), await rig.container(), await rig.container()];
  for (const [at, container] of [withdrawn, ended, alive].entries())
    await tool.call('add', container, withPort(8080 + at));
  await tool.call('del', withdrawn, options);
  await rig.remove(ended);
  writeFileSync(`${tool.resultsDir}/net-half-eth0`, '{"kind":"cniCacheV1"');
  setAside(rig.store, new Date());

  using store = openRegistry(rig.store);
  const { restored, warnings } = restore(store, tool.resultsDir);

  expect([restored.length, warnings]).toEqual([1, [expect.stringContaining('net-half-eth0')]]);
  expect(readdirSync(tool.resultsDir)).toHaveLength(3);
  expect(store.attachments().map(({ proof }) => proof.netns?.path)).toEqual([`/run/netns/${alive}`]);
});

test('what is registered of containers that ended without a DEL is swept, and why is told', async () => {
  await using rig = await Rig.create();
  const [ended, anew, alive] = [await rig.container(), await rig.container(), await rig.container()];
  for (const container of [ended, anew, alive]) await rig.add(dualConf(rig), container);
  const other = await rig.container();
  await rig.remove(ended);
  await rig.remove(anew);
  await using _bound = await bindNetns(anew, other);

  using store = openRegistry(rig.store);
  const swept = sweepDead(store, realMachine, nowUs());

  expect(swept.map(({ attachment, because }) => [attachment.containerId, because]).sort()).toEqual([
    [ended, expect.stringContaining('is gone')],
    [anew, expect.stringContaining('is another namespace now')],
  ]);
  expect(new Set(names(rig).map((name) => name.split(' ')[0]))).toEqual(new Set([alive]));
  expect(sweepDead(store, realMachine, nowUs())).toEqual([]);
});

/**
 * Gives a namespace a second name. A new namespace in the place of one that was removed may get its inode number, and is
 * then taken for it.
 */
async function bindNetns(name: string, other: string): Promise<AsyncDisposable> {
  const [path, target] = [`/run/netns/${name}`, `/run/netns/${other}`];
  await must('sh', ['-c', `touch ${path} && mount --bind ${target} ${path}`]);
  return {
    [Symbol.asyncDispose]: async () => {
      await must('ip', ['netns', 'del', name]);
    },
  };
}

test('a container that somebody is still in is not swept, although its path is gone', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  await rig.add(dualConf(rig), container);
  await using _inhabitant = await startBeside(
    'nsenter',
    inside(container, 'sh', '-c', 'echo ready; exec sleep 20'),
  );
  await rig.remove(container);

  using store = openRegistry(rig.store);

  expect(sweepDead(store, realMachine, nowUs())).toEqual([]);
  expect(store.instances()).toHaveLength(2);
  expect(existsSync(`/run/netns/${container}`)).toBe(false);
});
