import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { removeShare, writeShare } from '../../lib/blocks/share/share-file.ts';
import { linkOf } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { shareOf } from '../support/point-to-point.ts';
import type { Rig } from '../support/rig.ts';
import { routedConf, routedHost } from '../support/routed.ts';

// `routed` over the file in which the agent says what this host leases from.

test('addresses come from what the agent keeps for this host, and go back there', async () => {
  await using rig = await routedHost();
  const blocksFile = `${rig.dir}/blocks.json`;
  const [one, other] = [await rig.container(), await rig.container()];
  writeShare(
    blocksFile,
    shareOf(
      rig.dataDir,
      ['10.50.0.64', '10.50.0.64'],
      ['10.50.9.9', '10.50.9.9'],
      ['fd00:50::40', 'fd00:50::7f'],
    ),
  );
  const conf = routedConf(rig, { ipam: undefined, blocksFile });

  const results = [await rig.add(conf, one), await rig.add(conf, other)];
  const addresses = results.map(({ ips }) => ips?.map(({ address }) => address));
  const { mtu } = await linkOf(one, 'eth0');
  const full = await rig.cni('STATUS', conf, '');
  for (const container of [one, other]) await rig.del(conf, container);
  const free = await rig.cni('STATUS', conf, '');

  expect(addresses).toEqual([
    ['10.50.0.64/32', 'fd00:50::40/128'],
    ['10.50.9.9/32', 'fd00:50::41/128'],
  ]);
  expect([mtu, full.error?.code, free.status]).toEqual([1450, 50, 0]);
  expect(await leftovers(rig)).toEqual(nothing);
});

test('without the agent’s file an ADD is to be tried again (11), STATUS says why (50), and a DEL succeeds', async () => {
  await using rig = await routedHost();
  const container = await rig.container();
  const conf = routedConf(rig, { ipam: undefined, blocksFile: `${rig.dir}/blocks.json` });

  const added = await rig.cni('ADD', conf, container);
  const status = await rig.cni('STATUS', conf, '');
  const deleted = await rig.cni('DEL', conf, container);
  writeFileSync(`${rig.dir}/blocks.json`, '{"network":');
  const misread = await rig.cni('ADD', conf, container);
  const deletedAgain = await rig.cni('DEL', conf, container);

  expect(added.error).toMatchObject({ code: 11, msg: expect.stringContaining('agent') });
  expect(status.error?.code).toBe(50);
  expect(misread.error?.code).toBe(6);
  expect([deleted.status, deletedAgain.status]).toEqual([0, 0]);
});

test('without the agent’s file CHECK finds a container well that is, and DEL frees its lease where it is', async () => {
  await using rig = await routedHost();
  const [container, blocksFile] = [await rig.container(), `${rig.dir}/blocks.json`];
  writeShare(blocksFile, shareOf(rig.dataDir, ['10.50.0.64', '10.50.0.127']));
  const conf = routedConf(rig, { ipam: undefined, blocksFile, dataDir: rig.dataDir });
  const prevResult = await rig.add(conf, container);
  removeShare(blocksFile);

  const checked = await rig.cni('CHECK', { ...conf, prevResult }, container);
  const deleted = await rig.cni('DEL', conf, container);

  expect([checked.stdout, checked.status, deleted.status]).toEqual(['', 0, 0]);
  expect(await leftovers(rig)).toEqual(nothing);
});

test('CHECK finds a container well although its host has nothing to lease from any more', async () => {
  await using rig = await routedHost();
  const [container, blocksFile] = [await rig.container(), `${rig.dir}/blocks.json`];
  const share = shareOf(rig.dataDir, ['10.50.0.64', '10.50.0.127']);
  writeShare(blocksFile, share);
  const conf = routedConf(rig, { ipam: undefined, blocksFile });
  const prevResult = await rig.add(conf, container);
  writeShare(blocksFile, { ...share, ranges: [] });

  const checked = await rig.cni('CHECK', { ...conf, prevResult }, container);

  expect([checked.stdout, checked.status]).toEqual(['', 0]);
});

test('an ADD is to be tried again (11) while a family that has a pool has no address', async () => {
  await using rig = await routedHost();
  const [container, blocksFile] = [await rig.container(), `${rig.dir}/blocks.json`];
  const share = shareOf(rig.dataDir, ['10.50.0.64', '10.50.0.127']);
  writeShare(blocksFile, { ...share, families: [4, 6] });

  const { error } = await rig.cni('ADD', routedConf(rig, { ipam: undefined, blocksFile }), container);

  expect(error).toMatchObject({ code: 11, msg: expect.stringContaining('no IPv6 addresses') });
  expect(await leftovers(rig)).toEqual(nothing);
});

test('a network that is not the agent’s is refused (7), and both are named', async () => {
  await using rig = await routedHost();
  const blocksFile = `${rig.dir}/blocks.json`;
  writeShare(blocksFile, shareOf(rig.dataDir, ['10.50.0.64', '10.50.0.127']));

  const { error } = await rig.cni(
    'ADD',
    routedConf(rig, { name: 'mine', ipam: undefined, blocksFile }),
    await rig.container(),
  );

  expect(error).toMatchObject({ code: 7, msg: expect.stringMatching(/mine.*network net/) });
});

test('an address that the host gives up while it is leased is not used: the ADD is undone, to be tried again (11)', async () => {
  await using rig = await routedHost();
  const blocksFile = `${rig.dir}/blocks.json`;
  const container = await rig.container();
  writeShare(blocksFile, shareOf(rig.dataDir, ['10.50.0.64', '10.50.0.127']));
  const later = `${rig.dir}/later.json`;
  writeShare(later, shareOf(rig.dataDir, ['10.50.0.128', '10.50.0.191']));
  // The share changes when the container's end is made: after the lease, and before the end of the ADD.
  const env = { PATH: shadowIp(rig, `cp ${later} ${blocksFile}`) };

  const { error } = await rig.cni('ADD', routedConf(rig, { ipam: undefined, blocksFile }), container, {
    env,
  });
  const next = await rig.add(routedConf(rig, { ipam: undefined, blocksFile }), container);

  expect(error).toMatchObject({ code: 11, msg: expect.stringContaining('10.50.0.64') });
  expect(next.ips?.[0]?.address).toBe('10.50.0.128/32');
  expect(Object.keys(rig.leases())).toEqual(['10.50.0.128']);
});

/** A PATH whose `ip` does something else first. */
function shadowIp(rig: Rig, first: string): string {
  rig.way.callTools();
  const script = `#!/bin/sh\n${first}\nexec /usr/sbin/ip "$@"\n`;
  writeFileSync(`${rig.dir}/ip`, script, { mode: 0o755 });
  return `${rig.dir}:/usr/sbin:/usr/bin:/sbin:/bin`;
}
