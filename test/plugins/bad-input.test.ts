import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bridgeConf, hostLocalConf, ipamConf, v4 } from '../support/confs.ts';
import { linkNames, observeState } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { type Answer, type CallOptions, type Conf, Rig } from '../support/rig.ts';

/** The host of all that must be refused, which leaves it as it was. */
let rig: Rig;
let container: string;

beforeAll(async () => {
  rig = await Rig.create();
  container = await rig.container();
  await rig.cni('VERSION', bridgeConf(rig), container);
});

afterAll(() => rig[Symbol.asyncDispose]());

/** An ADD that must be refused, with everything there is before and after it. */
async function refuse(makeConf: (rig: Rig) => Conf, options: (rig: Rig) => CallOptions = () => ({})) {
  const state = async () => [
    await observeState(rig.host),
    await observeState(container),
    rig.leases(),
    readdirSync(rig.dir).filter((name) => !name.startsWith('networks')),
  ];
  const before = await state();
  const answer = await rig.cni('ADD', makeConf(rig), container, options(rig));
  return { answer, before, after: await state() };
}

function expectRefusal({ answer, before, after }: Awaited<ReturnType<typeof refuse>>, code: number): void {
  expect(answer.status).toBe(1);
  expect(answer.stderr).toBe('');
  expect(answer.error).toMatchObject({ cniVersion: expect.any(String), code, msg: expect.any(String) });
  expect(after).toEqual(before);
}

test('every missing variable is named at once', async () => {
  const none = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: '', CNI_PATH: undefined };

  const refusal = await refuse(bridgeConf, () => ({ env: none }));

  expectRefusal(refusal, 4);
  for (const name of Object.keys(none)) expect(refusal.answer.error?.msg).toContain(name);
});

/** Texts that must not get into a path, an `ip` batch or an `nft` script. */
const hostileTexts = ['../x', 'a b', '#', 'a\nb', '"', '.', '..', '/', '\u00e4', 'a\tb', '%', "a'b"];

/** Texts that would harm in a shell only. Linux and the specification let them name an interface. */
const shellTexts = ['x;reboot', '$(reboot)', '-', '&', '`reboot`'];

const environments: Record<string, { variable: string; values: readonly string[] }> = {
  'container id': {
    variable: 'CNI_CONTAINERID',
    values: [...hostileTexts, ...shellTexts, '_x', '-x', 'a:b'],
  },
  'interface name': { variable: 'CNI_IFNAME', values: [...hostileTexts, 'a:b', 'sixteen-letters-', 'a@b'] },
  'namespace path': {
    variable: 'CNI_NETNS',
    values: [
      '/run/netns/fl-tnone',
      '/run/netns/a b',
      '/run/netns/a#b',
      '/run/netns/a\nb',
      'relative',
      '/',
      '/proc/version',
    ],
  },
  CNI_ARGS: { variable: 'CNI_ARGS', values: ['x', '=1', 'IP', 'UNKNOWN=1', 'a b=c'] },
  verb: { variable: 'CNI_COMMAND', values: ['add', 'ADDX', 'ADD ', 'REMOVE'] },
};

test.each(
  Object.entries(environments).flatMap(([what, { variable, values }]) =>
    values.map((value) => [what, value, variable] as const),
  ),
)('a bad %s is refused with code 4: %j', async (_, value, variable) => {
  const refusal = await refuse(bridgeConf, () => ({ env: { [variable]: value } }));

  expectRefusal(refusal, 4);
  expect(refusal.answer.error?.msg).toContain(variable);
});

test("the plugin's own namespace is refused with code 8", async () => {
  const own = await refuse(bridgeConf, (rig) => ({ env: { CNI_NETNS: `/run/netns/${rig.host}` } }));
  const bySelf = await refuse(bridgeConf, () => ({ env: { CNI_NETNS: '/proc/self/ns/net' } }));

  expectRefusal(own, 8);
  expectRefusal(bySelf, 8);
});

test('a namespace of another kind, or a plain file, is refused with code 4', async () => {
  await using rig = await Rig.create();
  writeFileSync(`${rig.dir}/file`, '');

  for (const CNI_NETNS of [`${rig.dir}/file`, '/proc/self/ns/mnt']) {
    const { status, error } = await rig.cni('ADD', bridgeConf(rig), 'c1', { env: { CNI_NETNS } });
    expect([status, error?.code]).toEqual([1, 4]);
  }
  expect(rig.leases()).toEqual({});
});

test.each([
  ['nothing', ''],
  ['a truncated object', '{"cniVersion":"1.1.0",'],
  ['text', 'network'],
  ['two documents', '{}{}'],
  ['bytes', '\u0000\u0001'],
])('%s on stdin is refused with code 6', async (_, stdin) => {
  expectRefusal(await refuse(bridgeConf, () => ({ stdin })), 6);
});

test.each(['null', '[]', '5', '"x"', 'true'])(
  'JSON that is no object is refused with code 7: %s',
  async (stdin) => {
    expectRefusal(await refuse(bridgeConf, () => ({ stdin })), 7);
  },
);

test.each(['0.5.0', '1.2.0', '2.0.0', '1.1', 'latest', '../x'])(
  'version %s is refused with code 1 and echoed',
  async (cniVersion) => {
    const refusal = await refuse((rig) => bridgeConf(rig, { cniVersion }));

    expectRefusal(refusal, 1);
    expect(refusal.answer.error?.cniVersion).toBe(cniVersion);
  },
);

const wrongFields: Record<string, readonly unknown[]> = {
  cniVersion: [5, {}],
  name: [undefined, '', 5, ...hostileTexts, ...shellTexts, 'x'.repeat(300)],
  bridge: [5, 'sixteen-letters-', ...hostileTexts],
  isGateway: ['true', 1, []],
  isDefaultGateway: ['true'],
  forceAddress: ['x'],
  ipMasq: [1],
  ipMasqBackend: ['pf', 5],
  mtu: ['1500', -1, 1.5, 70_000, 1e99],
  hairpinMode: ['on'],
  promiscMode: ['on'],
  vlan: [-1, 4095, '10', 1.5],
  vlanTrunk: [{}, [5], [{ id: 5000 }], [{ minID: 5 }], [{ minID: 9, maxID: 5 }], [{}]],
  preserveDefaultVlan: ['x'],
  macspoofchk: [1],
  ipspoofchk: [1],
  enabledad: ['x'],
  portIsolation: ['x'],
  dns: [5, { nameservers: 'x' }, { nameservers: [5] }, { domain: 5 }],
  ipam: [5, [], 'host-local'],
  'ipam.type': [5, ...hostileTexts, ...shellTexts, '/bin/sh', 'not-installed'],
  'ipam.dataDir': [5, 'relative/dir', '../x', './x'],
  'ipam.ranges': [
    5,
    [5],
    [[]],
    [[5]],
    [[{}]],
    [[{ subnet: 'x' }]],
    [[{ subnet: '10.22.0.1/24' }]],
    [[{ subnet: '10.22.0.0/31' }]],
    [[{ subnet: '10.22.0.0/33' }]],
    [[{ subnet: '10.22.0.0/24', rangeStart: '10.23.0.1' }]],
    [[{ subnet: '10.22.0.0/24', rangeStart: '10.22.0.9', rangeEnd: '10.22.0.8' }]],
    [[{ subnet: '10.22.0.0/24', gateway: 'x' }]],
    [[{ subnet: '10.22.0.0/24' }, { subnet: 'fd00::/64' }]],
    [[{ subnet: '10.22.0.0/24' }, { subnet: '10.22.0.0/25' }]],
    [[{ subnet: '10.22.0.0/24' }], [{ subnet: '10.22.0.128/25' }]],
    [],
  ],
  'ipam.routes': [
    5,
    [5],
    [{}],
    [{ dst: 'x' }],
    [{ dst: '10.0.0.0/8', gw: 'x' }],
    [{ dst: '10.0.0.0/8', mtu: -1 }],
  ],
  'ipam.resolvConf': [5, 'relative'],
  'runtimeConfig.mac': [5, 'x', '01:00:00:00:00:01', '00:00:00:00:00:00', '02:00:00:00:00:01\nx'],
  'args.cni.mac': ['x'],
  'args.cni.ips': ['x', [5], ['x'], ['192.0.2.1'], [v4.gateway], ['10.22.0.5', '10.22.0.6']],
  'runtimeConfig.ips': [['10.22.0.0'], ['10.22.0.255']],
};

/** The configuration with a value at a path. */
function withField(conf: Conf, [first = '', ...rest]: readonly string[], value: unknown): Conf {
  const inner = (conf[first] ?? {}) as Conf;
  return { ...conf, [first]: rest.length === 0 ? value : withField(inner, rest, value) };
}

const cases = Object.entries(wrongFields).flatMap(([path, values]) =>
  values.map((value) => [path, value] as const),
);

test.each(cases)('a wrong %s is refused with code 7 naming it: %j', async (path, value) => {
  const refusal = await refuse((rig) => withField(bridgeConf(rig), path.split('.'), value));

  expectRefusal(refusal, 7);
  expect(refusal.answer.error?.msg).toContain(path.split('.').at(-1));
});

test.each([
  ['hairpinMode and promiscMode', { hairpinMode: true, promiscMode: true }],
  ['vlan and vlanTrunk', { vlan: 5, vlanTrunk: [{ id: 6 }] }],
  ['disableContainerInterface and ipam', { disableContainerInterface: true }],
])('%s exclude each other', async (_, fields) => {
  expectRefusal(await refuse((rig) => bridgeConf(rig, fields)), 7);
});

test.each(['name', 'ipam.dataDir', 'ipam.ranges'])(
  'host-local alone refuses a wrong %s with code 7',
  async (path) => {
    const refusal = await refuse((rig) => withField(hostLocalConf(rig), path.split('.'), '../x'));

    expectRefusal(refusal, 7);
    expect(refusal.answer.error?.msg).toContain(path.split('.').at(-1));
  },
);

test('a link that is no bridge is not taken for one', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const { error } = await rig.cni('ADD', bridgeConf(rig, { bridge: 'lo' }), container);

  expect(error).toMatchObject({ code: 7, msg: expect.stringContaining('lo') });
  expect(rig.leases()).toEqual({});
});

test("another network's gateway on the bridge is refused, and replaced with forceAddress", async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(bridgeConf(rig), one);
  const conf = bridgeConf(rig, { name: 'second', ipam: ipamConf(rig, [[{ subnet: '10.55.0.0/24' }]]) });
  const before = await observeState(rig.host);

  const refused = await rig.cni('ADD', conf, other);
  const after = await observeState(rig.host);
  const forced = await rig.cni('ADD', { ...conf, forceAddress: true }, other);

  expect(refused.error?.msg).toContain('10.22.0.1/24');
  expect(after).toEqual(before);
  expect(forced.status).toBe(0);
});

test.each(shellTexts)('a name that only a shell would mind is taken as it stands: %j', async (text) => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, { bridge: text, ipMasq: true, macspoofchk: true, ipspoofchk: true });
  const prevResult = await rig.add(conf, container, { ifName: text });

  const check = await rig.cni('CHECK', { ...conf, prevResult }, container, { ifName: text });
  const names = await linkNames(container);
  await rig.del(conf, container, { ifName: text });

  expect([check.status, check.stdout]).toEqual([0, '']);
  expect(names).toEqual([text]);
  expect(await leftovers(rig, text)).toEqual(nothing);
});

test('keys in capitals are understood, unknown fields and null are left alone', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const { mtu, ...conf } = bridgeConf(rig, {
    MTU: 1400,
    somethingNew: { a: 1 },
    dns: null,
    runtimeConfig: null,
    args: null,
  });

  const result = await rig.add(conf, container);

  expect(mtu).toBeUndefined();
  expect(result.interfaces?.[2]?.mtu).toBe(1400);
});

test('CNI_ARGS with an unknown key are accepted with IgnoreUnknown', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const { status } = await rig.cni('ADD', bridgeConf(rig), container, {
    args: 'IgnoreUnknown=1;K8S_POD_UID=x;FOO=a b',
  });

  expect(status).toBe(0);
});

test('a NODE_OPTIONS that would run code has no effect on the plugin', async () => {
  await using rig = await Rig.create();
  const marker = `${rig.dir}/executed`;
  const script = `${rig.dir}/intruder.js`;
  writeFileSync(script, `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`);
  const env = {
    NODE_OPTIONS: `--require=${script}`,
    NODE_PATH: rig.dir,
    NODE_PENDING_DEPRECATION: '1',
  };

  const answers: Answer[] = [];
  for (const binary of ['bridge', 'host-local']) {
    answers.push(await rig.cni('VERSION', { ...bridgeConf(rig), type: binary }, 'c1', { env }));
    answers.push(await rig.cni('DEL', { ...bridgeConf(rig), type: binary }, 'c1', { env }));
  }

  expect(answers.map(({ status, stderr }) => [status, stderr])).toEqual(answers.map(() => [0, '']));
  expect(existsSync(marker)).toBe(false);
});
