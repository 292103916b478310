import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir, reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, dualConf, hostLocalConf, ipamConf, ipsOf, v4, v6 } from '../support/confs.ts';
import { linkNames, listChains, listNft, observeState } from '../support/kernel.ts';
import { mustInside, run } from '../support/process.ts';
import { Rig } from '../support/rig.ts';

/** Runs the command line on the rig's host; `stdin` for explain. */
async function fairlead(rig: Rig, args: readonly string[], stdin = '') {
  const outcome = await run({
    file: 'nsenter',
    args: [`--net=/run/netns/${rig.host}`, `${binDir}/fairlead`, ...args],
    stdin,
  });
  return { ...outcome, json: parseOrUndefined(outcome.stdout) };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const onLeases = (rig: Rig) => ['--data-dir', rig.dataDir, '--json'];
const onStores = (rig: Rig) => [...onLeases(rig), '--store', rig.store];

test('leases shows whose each address is and whether its container lives', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const [live, dead] = [await rig.container(), await rig.container()];
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  await rig.add(conf, live);
  await rig.add(conf, dead);
  await rig.add(conf, 'foreign', reference('host-local'));
  await rig.remove(dead);

  const { status, json } = await fairlead(rig, ['leases', ...onLeases(rig)]);
  const text = await fairlead(rig, ['leases', '--data-dir', rig.dataDir, '--network', 'net']);

  expect(status).toBe(0);
  expect(json).toMatchObject([
    { network: 'net', address: '10.22.0.2', containerId: live, ifName: 'eth0', state: 'live' },
    {
      network: 'net',
      address: '10.22.0.3',
      containerId: dead,
      state: 'dead',
      because: expect.stringContaining(dead),
    },
    { network: 'net', address: '10.22.0.4', containerId: 'foreign', state: 'unknown' },
  ]);
  expect(text.stdout.split('\n')[0]).toMatch(/NETWORK +ADDRESS +STATE/);
});

test('leases of a network or directory that is not there are none', async () => {
  await using rig = await Rig.create();

  const { status, json } = await fairlead(rig, ['leases', ...onLeases(rig), '--network', 'none']);

  expect([status, json]).toEqual([0, []]);
});

test('gc frees what is proven dead and no other: not a pinned namespace, not what the reference has leased', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const [pinned, dead] = [await rig.container(), await rig.container()];
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  await rig.add(conf, pinned);
  await rig.add(conf, dead);
  await rig.add(conf, 'foreign', reference('host-local'));
  await rig.remove(dead);

  const dry = await fairlead(rig, ['gc', '--dry-run', ...onStores(rig)]);
  const afterDry = Object.keys(rig.leases());
  const real = await fairlead(rig, ['gc', ...onStores(rig)]);

  expect(dry.json).toMatchObject({
    leases: [{ address: '10.22.0.3', containerId: dead }],
    names: [],
  });
  expect(afterDry).toHaveLength(3);
  expect(real.json).toEqual(dry.json);
  expect(rig.leases()).toEqual({ '10.22.0.2': `${pinned}\r\neth0`, '10.22.0.4': 'foreign\r\neth0' });
});

test('gc --free frees a lease of the reference, and needs to know the network', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  await rig.add(conf, 'foreign', reference('host-local'));

  const vague = await fairlead(rig, ['gc', '--free', '10.22.0.2', ...onStores(rig)]);
  const wrong = await fairlead(rig, ['gc', '--free', '10.22.0.9', '--network', 'net', ...onStores(rig)]);
  const before = Object.keys(rig.leases());
  const right = await fairlead(rig, ['gc', '--free', '10.22.0.2', '--network', 'net', ...onStores(rig)]);

  expect([vague.status, wrong.status, right.status]).toEqual([2, 1, 0]);
  expect(before).toEqual(['10.22.0.2']);
  expect(rig.leases()).toEqual({});
});

test('gc --free takes an IPv6 address however it is written', async () => {
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig, { ipam: ipamConf(rig, [[{ subnet: v6.subnet }]]) });
  await rig.add(conf, 'c1');

  const { status } = await fairlead(rig, [
    'gc',
    '--free',
    'FD00:22:0:0::2',
    '--network',
    'net',
    ...onStores(rig),
  ]);

  expect(status).toBe(0);
  expect(rig.leases()).toEqual({});
});

/** Makes every record of the index say that it is from another boot. */
function pretendReboot(rig: Rig): void {
  const dir = `${rig.dataDir}.fairlead/net`;
  const replaceBoot = (path: string) => {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll(bootId, '00000000-0000-0000-0000-000000000000'),
    );
  };
  for (const name of readdirSync(`${dir}/attachments`)) replaceBoot(`${dir}/attachments/${name}`);
  replaceBoot(`${dir}/stamp`);
}

test('leases from before the last boot are dead, and the next ADD reclaims them', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const ipam = ipamConf(rig, [[{ subnet: v4.subnet, rangeStart: '10.22.0.10', rangeEnd: '10.22.0.10' }]]);
  const conf = hostLocalConf(rig, { ipam });
  await rig.add(conf, one);
  pretendReboot(rig);

  const { json } = await fairlead(rig, ['leases', ...onLeases(rig)]);
  const result = await rig.add(conf, other);

  expect(json).toMatchObject([{ state: 'dead', because: expect.stringMatching(/boot/) }]);
  expect(ipsOf(result)).toEqual(['10.22.0.10']);
  expect(rig.leases()).toEqual({ '10.22.0.10': `${other}\r\neth0` });
});

test('an exhausted pool reclaims the leases of containers whose namespace is gone', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const ipam = ipamConf(rig, [[{ subnet: v4.subnet, rangeStart: '10.22.0.10', rangeEnd: '10.22.0.10' }]]);
  const conf = hostLocalConf(rig, { ipam });
  await rig.add(conf, one);
  await rig.remove(one);

  const result = await rig.add(conf, other);

  expect(ipsOf(result)).toEqual(['10.22.0.10']);
});

test('network rm is refused while there are containers, and then removes bridge, rules and directories', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dualConf(rig, { ipMasq: true, macspoofchk: true });
  await rig.add(conf, container);
  const before = await observeState(rig.host);

  const refused = await fairlead(rig, ['network', 'rm', 'net', ...onLeases(rig)]);
  const after = await observeState(rig.host);
  await rig.del(conf, container);
  const removed = await fairlead(rig, ['network', 'rm', 'net', ...onLeases(rig)]);
  const again = await fairlead(rig, ['network', 'rm', 'net', ...onLeases(rig)]);

  expect([refused.status, removed.status, again.status]).toEqual([1, 0, 0]);
  expect(refused.json).toMatchObject({ code: 999, msg: expect.stringContaining(container) });
  expect(after).toEqual(before);
  expect(removed.json).toMatchObject({ bridges: ['br0'] });
  expect(await linkNames(rig.host)).toEqual([]);
  expect(await listNft(rig.host)).toEqual([]);
  expect(existsSync(`${rig.dataDir}/net`)).toBe(false);
  expect(existsSync(`${rig.dataDir}.fairlead`)).toBe(false);
});

test('network rm leaves other networks, and a bridge that was there before, alone', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  await mustInside(rig.host, 'ip', 'link', 'add', 'br0', 'type', 'bridge');
  const other = bridgeConf(rig, {
    name: 'other',
    bridge: 'br1',
    ipMasq: true,
    ipam: ipamConf(rig, [[{ subnet: '10.24.0.0/24' }]]),
  });
  await rig.add(other, container);
  const chains = await listChains(rig.host, 'inet');
  const conf = bridgeConf(rig, { ipMasq: true });
  await rig.add(conf, container, {
    ifName: 'eth1',
    env: { CNI_NETNS: `/run/netns/${await rig.container()}` },
  });
  await rig.del(conf, container, { ifName: 'eth1' });

  const { status } = await fairlead(rig, ['network', 'rm', 'net', ...onLeases(rig)]);

  expect(status).toBe(0);
  expect(await linkNames(rig.host)).toEqual(expect.arrayContaining(['br0', 'br1']));
  expect(await listChains(rig.host, 'inet')).toEqual(chains);
  expect(Object.keys(rig.leases('other'))).toEqual(['10.24.0.2']);
});

test('explain prints the plan and the result of an ADD, and changes nothing', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dualConf(rig, { ipMasq: true });
  const state = async () => [await observeState(rig.host), await listNft(rig.host), readdirSync(rig.dir)];
  const before = await state();
  const options = ['--container-id', container, '--netns', `/run/netns/${container}`];

  const text = await fairlead(rig, ['explain', ...options], JSON.stringify(conf));
  const { status, json } = await fairlead(rig, ['explain', '--json', ...options], JSON.stringify(conf));
  const after = await state();
  const added = await rig.add(conf, container);

  expect([text.status, status]).toEqual([0, 0]);
  expect(text.stdout).toContain('link add name br0');
  expect(after).toEqual(before);
  expect(json).toMatchObject([{ type: 'bridge', result: added }]);
});

test('explain takes a configuration list, and says which plugins it cannot explain', async () => {
  await using rig = await Rig.create();
  const { cniVersion, name, ...plugin } = bridgeConf(rig);
  const list = { cniVersion, name, plugins: [plugin, { type: 'portmap' }] };

  const { status, json } = await fairlead(rig, ['explain', '--json'], JSON.stringify(list));

  expect(status).toBe(0);
  expect(
    (json as { type: string; plan?: string }[]).map(({ type, plan }) => [type, plan !== undefined]),
  ).toEqual([
    ['bridge', true],
    ['portmap', false],
  ]);
});

test.each([
  ['an unknown command', ['frobnicate'], '', 2],
  ['a network name that is a path', ['network', 'rm', '../x'], '', 1],
  ['a configuration that is not JSON', ['explain'], '{', 1],
  ['a configuration that is null', ['explain'], 'null', 1],
  ['a list whose plugins are no objects', ['explain'], '{"cniVersion":"1.0.0","name":"n","plugins":[5]}', 1],
])('wrong usage is answered in a sentence: %s', async (_, args, stdin, wanted) => {
  await using rig = await Rig.create();

  const { status, stdout, stderr } = await fairlead(rig, args, stdin);

  expect([status, stdout]).toEqual([wanted, '']);
  expect(stderr).not.toMatch(/\n\s+at |TypeError|undefined/);
  expect(stderr).not.toBe('');
});
