import { copyFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { binDir } from '../support/binaries.ts';
import { lineOf, OverlayHost, runDoctor, subnetEnv, troublesOf } from '../support/doctor.ts';
import { observeState } from '../support/kernel.ts';
import { run } from '../support/process.ts';
import { Rig } from '../support/rig.ts';
import { requirePrograms, skipUnless } from '../support/skip.ts';

test('a host that is well has no problem, and every check says what it has found', async (context) => {
  await requirePrograms(context, 'ethtool', 'ping');
  await using host = await OverlayHost.create();

  const { status, lines, stderr } = await host.doctor();

  expect(troublesOf(lines)).toEqual([]);
  expect([status, stderr]).toEqual([0, '']);
  expect(lines.map(({ id, state }) => `${id} ${state}`)).toEqual([
    'tools ok',
    'agent skipped',
    'resident skipped',
    'subnet ok',
    'forwarding ok',
    'rules skipped',
    'forward-drop ok',
    'endpoints skipped',
    'pools skipped',
    'bgp skipped',
    'vxlan ok',
    'mtu ok',
    'path-mtu ok',
    'offload ok',
    'managers ok',
    'duplicates ok',
  ]);
});

test('on a host without an overlay its checks say so, and the rest is looked at', async () => {
  await using rig = await Rig.create();

  writeFileSync(`${rig.dir}/agent.json`, JSON.stringify({ api: { listen: ['none'] } }));
  const files = ['--subnet-file', `${rig.dir}/none.env`, '--config', `${rig.dir}/agent.json`];

  const { status, stdout } = await runDoctor(rig, { args: files });

  const rows = stdout.split('\n');
  expect(rows[0]).toMatch(/^STATE +CHECK +FOUND$/);
  expect(rows.filter((row) => /^skipped .*no overlay here$/.test(row))).toHaveLength(4);
  expect(rows.filter((row) => row.startsWith('problem'))).toEqual([]);
  expect(status).toBe(0);
});

test('managers of links are found where they run, and our files satisfy them', async () => {
  await using host = await OverlayHost.create();
  const running =
    'mkdir -p /run/NetworkManager/conf.d /run/systemd/netif /run/systemd/network /run/systemd/networkd.conf.d';
  for (const name of ['networkmanager.conf', 'networkd.network', 'networkd.conf'])
    copyFileSync(`${import.meta.dirname}/../../scripts/unmanaged/${name}`, `${host.rig.dir}/${name}`);
  const install = `cd ${host.rig.dir}
    cp networkmanager.conf /run/NetworkManager/conf.d/99-fairlead.conf
    cp networkd.network /run/systemd/network/10-fairlead.network
    cp networkd.conf /run/systemd/networkd.conf.d/10-fairlead.conf`;

  const bare = await host.doctor({ prepare: running });
  const installed = await host.doctor({ prepare: `${running}\n${install}` });

  expect(troublesOf(bare.lines)).toEqual([
    expect.stringMatching(/managers warning: NetworkManager runs .*veth/),
    expect.stringMatching(/managers warning: systemd-networkd runs .*flannel\.1/),
    expect.stringMatching(/managers warning: systemd-networkd removes routes/),
  ]);
  expect(troublesOf(installed.lines)).toEqual([]);
});

test('an agent is asked how it is, and one that should run and does not is a problem', async () => {
  await using host = await OverlayHost.create();
  const agent = await Agent.start(host.rig);
  await using _agent = agent;
  writeFileSync(host.config, JSON.stringify({ api: { listen: [`unix:${agent.socket}`] } }));

  const running = await host.doctor();
  await agent.stop();
  const ended = await host.doctor();

  expect(lineOf(running, 'agent', /it runs and is well/).state).toBe('ok');
  expect(lineOf(ended, 'agent', /the agent does not run/).state).toBe('problem');
});

test.each([
  ['has ended', `${subnetEnv}FAIRLEAD_LEASE_UNTIL=1\n`, /its lease has ended/],
  ['is not understood', subnetEnv.replace('1450', 'many'), /FLANNEL_MTU/],
])('a subnet file that %s is a problem', async (_, text, expected) => {
  await using host = await OverlayHost.create();
  writeFileSync(host.subnetFile, text);

  expect(lineOf(await host.doctor(), 'subnet', expected).state).toBe('problem');
});

test('a user who is not root sees what there is to see, and is told what is not', async (context) => {
  await requirePrograms(context, 'ethtool', 'ping', 'setpriv');
  await using host = await OverlayHost.create();
  const by = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const tried = await run({ file: 'setpriv', args: [...by, 'test', '-x', `${binDir}/fairlead`] });
  skipUnless(context, tried.status === 0, 'the build may not be executed by other users');
  await run({ file: 'chmod', args: ['755', host.rig.dir] });

  const { status, lines, stderr } = await host.doctor({ by: ['setpriv', ...by] });

  expect([status, stderr]).toEqual([0, '']);
  expect(troublesOf(lines)).toEqual([]);
  expect(lines.filter(({ state }) => state === 'skipped').map(({ id }) => id)).toEqual([
    'tools',
    'agent',
    'resident',
    'rules',
    'forward-drop',
    'endpoints',
    'pools',
    'bgp',
  ]);
  expect(lineOf({ lines }, 'forward-drop', /./).found).toContain('run it as root');
});

test.each([
  ['an address that is none', ['--peer', 'example.org; reboot']],
  ['a path that is not absolute', ['--subnet-file', 'subnet.env']],
])('%s is refused in a sentence', async (_, args) => {
  const { status, stdout, stderr } = await run({ file: `${binDir}/fairlead`, args: ['doctor', ...args] });

  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^fairlead: --[a-z-]+: expected .*found "/);
});

test('to look changes nothing', async () => {
  await using host = await OverlayHost.create();
  const rest = 'bridge fdb; nft list ruleset; ls /proc/sys/net/ipv4/conf; ip neigh show nud permanent';
  const state = async () => [await observeState(host.rig.host), await host.sh(rest)];
  const before = await state();

  await host.doctor();

  expect(await state()).toEqual(before);
});
