import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, dualConf, v4, v6 } from '../support/confs.ts';
import { type CallOptions, type CniResult, type Conf, Rig } from '../support/rig.ts';
import { names, openRegistry, registered } from '../support/rig-registry.ts';

/** The plugins that can stand before `register`: ours, and what a call needs to run the reference's instead. */
const kinds: Record<string, { readonly needs: readonly string[]; readonly options: CallOptions }> = {
  'our bridge': { needs: [], options: {} },
  "the reference's bridge": { needs: ['bridge', 'host-local'], options: reference('bridge') },
};

function registerConf(
  rig: Rig,
  { prevResult, ...said }: { prevResult?: CniResult; [field: string]: unknown },
): Conf {
  const conf = {
    cniVersion: '1.0.0',
    name: 'net',
    type: 'register',
    registry: { store: rig.store, ...said },
  };
  return prevResult === undefined ? conf : { ...conf, prevResult };
}

test.for(Object.entries(kinds))(
  'register after %s registers its result as it is, hands it on, and withdraws it at DEL',
  async ([, { needs, options }], context) => {
    requireReference(context, ...needs);
    await using rig = await Rig.create();
    const container = await rig.container();
    const conf = dualConf(rig, { cniVersion: '1.0.0' });
    const prevResult = await rig.add(conf, container, options);

    const register = registerConf(rig, { prevResult, service: 'web', ports: [{ name: 'http', port: 80 }] });
    const result = await rig.add(register, container);
    const during = registered(rig);
    const check = await rig.cni('CHECK', register, container);
    await rig.del(registerConf(rig, {}), container);
    const after = names(rig);
    await rig.del(conf, container, options);

    expect(result).toEqual(prevResult);
    expect(during).toMatchObject([
      { service: 'web', address: v4.first, port: 80, portName: 'http' },
      { service: 'web', address: v6.first, port: 80, portName: 'http' },
    ]);
    expect([check.status, after]).toEqual([0, []]);
  },
);

test('register after our bridge completes the same instance, and adds none', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, {
    registry: { store: rig.store, service: 'web', meta: { a: 'bridge', b: 'bridge' } },
  });
  const prevResult = await rig.add(conf, container, { args: 'SERVICE_WEIGHT=7' });
  const [before] = registered(rig) ?? [];

  await rig.add(registerConf(rig, { prevResult, tags: ['v1'], meta: { b: 'register' } }), container);

  const after = registered(rig);
  expect(after).toMatchObject([
    { service: 'web', weight: 7, tags: ['v1'], meta: { a: 'bridge', b: 'register' }, address: v4.first },
  ]);
  expect(after?.[0]?.id).toBe(before?.id);
});

test('what our bridge was told not to register is registered by a register behind it', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const prevResult = await rig.add(bridgeConf(rig, { registry: false }), container);

  await rig.add(registerConf(rig, { prevResult }), container);

  expect(names(rig)).toEqual([`${container} ${v4.first}`]);
});

test('CHECK fails once the registration was taken away, naming the address', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const prevResult = await rig.add(dualConf(rig), container);
  const conf = registerConf(rig, { prevResult });
  await rig.add(conf, container);
  const well = await rig.cni('CHECK', conf, container);
  using store = openRegistry(rig.store);
  store.remove(store.instances().flatMap(({ id, family }) => (family === 6 ? [id] : [])));

  const lost = await rig.cni('CHECK', conf, container);

  expect(well.status).toBe(0);
  expect(lost.error).toMatchObject({
    code: 999,
    msg: expect.stringContaining(`${v6.first} of container ${container}`),
  });
});

test('DEL succeeds without a previous result, without the namespace, twice, and where nothing ever was', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const prevResult = await rig.add(bridgeConf(rig), container);
  await rig.add(registerConf(rig, { prevResult }), container);
  await rig.remove(container);

  await rig.del(registerConf(rig, {}), container);
  await rig.del(registerConf(rig, {}), container);
  await rig.del(registerConf(rig, {}), 'never-there', { env: { CNI_NETNS: undefined } });

  expect(names(rig)).toEqual([]);
});

test('an ADD and a CHECK without a previous result are refused: register attaches nothing', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const answers = [
    await rig.cni('ADD', registerConf(rig, {}), container),
    await rig.cni('CHECK', registerConf(rig, {}), container),
  ];

  expect(answers.map(({ error }) => [error?.code, error?.msg])).toEqual([
    [7, 'prevResult: is required and missing'],
    [7, 'prevResult: is required and missing'],
  ]);
  expect(names(rig)).toEqual([]);
});

test("GC withdraws what the reference's bridge has attached and the runtime does not know any more", async (context) => {
  requireReference(context, 'bridge', 'host-local');
  await using rig = await Rig.create();
  const [keep, stale] = [await rig.container(), await rig.container()];
  const conf = bridgeConf(rig, { cniVersion: '1.0.0' });
  for (const container of [keep, stale]) {
    const prevResult = await rig.add(conf, container, reference('bridge'));
    await rig.add(registerConf(rig, { prevResult }), container);
  }
  const valid = { 'cni.dev/valid-attachments': [{ containerID: keep, ifname: 'eth0' }] };

  const { status } = await rig.cni('GC', { ...registerConf(rig, {}), cniVersion: '1.1.0', ...valid }, '');

  expect([status, names(rig)]).toEqual([0, [`${keep} ${v4.first}`]]);
});

test('STATUS is silent while the registry can be opened, and answers 50 where it cannot', async () => {
  await using rig = await Rig.create();
  mkdirSync(`${rig.dir}/broken`);
  writeFileSync(`${rig.dir}/broken/registry.db`, 'no registry');
  const conf = { ...registerConf(rig, {}), cniVersion: '1.1.0' };
  const broken = { ...conf, registry: { store: `${rig.dir}/broken/registry.db` } };

  const answers = [
    await rig.cni('STATUS', conf, ''),
    await rig.cni('STATUS', broken, ''),
    await rig.cni('STATUS', { ...broken, registry: false }, ''),
    await rig.cni('STATUS', bridgeConf(rig, { registry: broken.registry }), ''),
    await rig.cni('STATUS', bridgeConf(rig, { registry: { ...broken.registry, policy: 'required' } }), ''),
  ];

  expect(answers.map(({ status, error }) => error?.code ?? status)).toEqual([0, 50, 0, 0, 50]);
  expect(answers[1]?.error?.msg).toContain(`${rig.dir}/broken/registry.db`);
});

test('register answers VERSION, and says what it is when it is called by hand', async () => {
  await using rig = await Rig.create();

  const version = await rig.cni('VERSION', registerConf(rig, {}), '');
  const byHand = await rig.cni('VERSION', registerConf(rig, {}), '', { env: { CNI_COMMAND: undefined } });

  expect(JSON.parse(version.stdout)).toMatchObject({
    supportedVersions: expect.arrayContaining(['0.1.0', '1.1.0']),
  });
  expect([byHand.status, byHand.stderr]).toEqual([0, expect.stringContaining('CNI register plugin')]);
});
