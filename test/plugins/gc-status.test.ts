import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir, reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, hostLocalConf, ipamConf, v4 } from '../support/confs.ts';
import { linkNames, listElements, observeState } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';

const validKey = 'cni.dev/valid-attachments';

function gcConf(conf: Conf, ...valid: readonly [string, string][]): Conf {
  return { ...conf, [validKey]: valid.map(([containerID, ifname]) => ({ containerID, ifname })) };
}

test('GC removes the links, rules and leases of exactly the attachments of its network that are not valid', async () => {
  await using rig = await Rig.create();
  const [keep, stale, elsewhere] = [await rig.container(), await rig.container(), await rig.container()];
  const conf = bridgeConf(rig, { macspoofchk: true, ipspoofchk: true });
  const other = bridgeConf(rig, {
    ...conf,
    name: 'other',
    bridge: 'br1',
    ipam: ipamConf(rig, [[{ subnet: '10.24.0.0/24' }]]),
  });
  await mustInside(rig.host, 'ip', 'link', 'add', 'foreign0', 'type', 'veth', 'peer', 'name', 'foreign1');
  await rig.add(conf, keep);
  await rig.add(other, elsewhere);
  const before = await observeState(rig.host);
  await rig.add(conf, stale);
  await rig.add({ ...conf, isDefaultGateway: false }, keep, { ifName: 'eth1' });

  const { status, stdout } = await rig.cni('GC', gcConf(conf, [keep, 'eth0'], ['unknown', 'eth0']), '');

  expect([status, stdout]).toEqual([0, '']);
  expect(await observeState(rig.host)).toEqual(before);
  expect(rig.leases()).toEqual({ [v4.first]: `${keep}\r\neth0` });
  expect(Object.keys(rig.leases('other'))).toEqual(['10.24.0.2']);
  expect(await linkNames(stale)).toEqual([]);
  expect(await linkNames(keep)).toEqual(['eth0']);
});

test('GC removes what is left of a container whose namespace is gone', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, { macspoofchk: true });
  await rig.add(conf, container);
  await rig.remove(container);

  const { status } = await rig.cni('GC', gcConf(conf), '');

  expect(status).toBe(0);
  expect(await listElements(rig.host)).toEqual([]);
  expect(rig.leases()).toEqual({});
});

test('GC takes null for "none is valid", and does not take silence for that', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig);
  await rig.add(conf, container);

  const silent = await rig.cni('GC', conf, '');
  const afterSilent = Object.keys(rig.leases());
  const none = await rig.cni('GC', { ...conf, [validKey]: null }, '');

  expect([silent.status, afterSilent]).toEqual([0, [v4.first]]);
  expect([none.status, rig.leases()]).toEqual([0, {}]);
});

test('GC of host-local frees the leases of the reference, and keeps an old one of a valid container', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig);
  for (const name of ['c1', 'c2'])
    await rig.add({ ...conf, cniVersion: '1.0.0' }, name, reference('host-local'));
  writeFileSync(`${rig.dataDir}/net/10.22.0.9`, 'c9');

  const { status } = await rig.cni('GC', gcConf(conf, ['c2', 'eth0'], ['c9', 'eth0']), '');

  expect(status).toBe(0);
  expect(rig.leases()).toEqual({ '10.22.0.3': 'c2\r\neth0', '10.22.0.9': 'c9' });
});

test('a GC twice, and one of a network that never was, succeed', async () => {
  await using rig = await Rig.create();
  const conf = gcConf(bridgeConf(rig));

  const answers = [await rig.cni('GC', conf, ''), await rig.cni('GC', conf, '')];

  expect(answers.map(({ status }) => status)).toEqual([0, 0]);
  expect(await linkNames(rig.host)).toEqual([]);
});

test('STATUS is silent while the network is ready', async () => {
  await using rig = await Rig.create();

  const { status, stdout } = await rig.cni('STATUS', bridgeConf(rig, { ipMasq: true }), '');

  expect([status, stdout]).toEqual([0, '']);
});

test('STATUS answers 50 when the pool is exhausted, and is ready again after a DEL', async () => {
  await using rig = await Rig.create();
  const ipam = ipamConf(rig, [[{ subnet: v4.subnet, rangeStart: '10.22.0.10', rangeEnd: '10.22.0.11' }]]);
  const conf = bridgeConf(rig, { ipam });
  const [one, other, late] = [await rig.container(), await rig.container(), await rig.container()];
  await rig.add(conf, one);
  const free = await rig.cni('STATUS', conf, '');
  await rig.add(conf, other);

  const full = await rig.cni('STATUS', conf, '');
  const refused = await rig.cni('ADD', conf, late);
  await rig.del(conf, one);
  const again = await rig.cni('STATUS', conf, '');

  expect([free.status, full.error?.code, again.status]).toEqual([0, 50, 0]);
  expect(full.error?.msg).toContain('10.22.0.10-10.22.0.11');
  expect(refused.error?.code).toBe(11);
  expect(await linkNames(late)).toEqual([]);
});

test('an exhausted pool touches nothing in the kernel', async () => {
  await using rig = await Rig.create();
  const ipam = ipamConf(rig, [[{ subnet: v4.subnet, rangeStart: '10.22.0.10', rangeEnd: '10.22.0.10' }]]);
  const container = await rig.container();
  await rig.add(hostLocalConf(rig, { ipam }), 'holder', { env: { CNI_NETNS: '/proc/self/ns/net' } });

  const { error } = await rig.cni('ADD', bridgeConf(rig, { ipam }), container);

  expect(error?.code).toBe(11);
  expect(await linkNames(rig.host)).toEqual([]);
});

test("STATUS answers 50 where the leases' directory cannot be made, as ADD would fail there", async () => {
  await using rig = await Rig.create();
  writeFileSync(`${rig.dir}/file`, '');
  const conf = bridgeConf(rig, { ipam: { ...ipamConf(rig), dataDir: `${rig.dir}/file/networks` } });
  const container = await rig.container();

  const added = await rig.cni('ADD', conf, container);
  const ready = await rig.cni('STATUS', conf, '');

  expect(added.status).toBe(1);
  expect(ready.error?.code).toBe(50);
});

test('STATUS answers 50 where nft is missing and the network needs it', async () => {
  await using rig = await Rig.create();
  mkdirSync(`${rig.dir}/empty`);
  writeFileSync(`${rig.dir}/empty/nft`, '#!/bin/sh\necho broken >&2\nexit 1\n', { mode: 0o755 });
  rig.way.callTools();
  const env = { PATH: `${rig.dir}/empty:/usr/sbin:/usr/bin:/sbin:/bin` };

  const answers = [
    await rig.cni('STATUS', bridgeConf(rig, { ipMasq: true }), '', { env, binary: `${binDir}/bridge` }),
    await rig.cni('STATUS', bridgeConf(rig), '', { env }),
  ];

  expect(answers.map(({ error, status }) => error?.code ?? status)).toEqual([50, 0]);
});

test.each(['GC', 'STATUS'] as const)('%s below 1.1.0 is refused with code 1', async (verb) => {
  await using rig = await Rig.create();

  const answers = await Promise.all(
    ['0.1.0', '0.4.0', '1.0.0'].map((cniVersion) =>
      rig.cni(verb, gcConf(bridgeConf(rig, { cniVersion })), ''),
    ),
  );

  expect(answers.map(({ error }) => [error?.code, error?.cniVersion])).toEqual([
    [1, '0.1.0'],
    [1, '0.4.0'],
    [1, '1.0.0'],
  ]);
});
