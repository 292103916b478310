import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bridgeConf, hostLocalConf, ipamConf, ipsOf } from '../support/confs.ts';
import { linkNames, observeState } from '../support/kernel.ts';
import { mountSmallDisk } from '../support/mounts.ts';
import { Rig } from '../support/rig.ts';

/** A rig whose leases are on a small disk. */
async function onSmallDisk(rig: Rig) {
  const disk = await mountSmallDisk(`${rig.dir}/disk`);
  const dataDir = `${disk.path}/networks`;
  return { disk, conf: bridgeConf(rig, { macspoofchk: true, ipam: { ...ipamConf(rig), dataDir } }), dataDir };
}

function leasesIn(dataDir: string): readonly string[] {
  return readdirSync(`${dataDir}/net`).filter((name) => /^\d/.test(name));
}

test.each(['blocks', 'inodes'] as const)(
  'on a disk without free %s ADD fails and leaves nothing, DEL works, and with room ADD works again',
  async (what) => {
    await using rig = await Rig.create();
    const { disk, conf, dataDir } = await onSmallDisk(rig);
    await using _disk = disk;
    const [one, other] = [await rig.container(), await rig.container()];
    await rig.add(conf, one);
    const before = [await observeState(rig.host), await observeState(other), leasesIn(dataDir)];
    await disk.fill(what);

    const refused = await rig.cni('ADD', conf, other);
    const after = [await observeState(rig.host), await observeState(other), leasesIn(dataDir)];
    const removed = await rig.cni('DEL', conf, one);
    const left = [await linkNames(one), leasesIn(dataDir)];
    await disk.empty();
    const again = await rig.cni('ADD', conf, other);

    expect([refused.status, refused.error?.code]).toEqual([1, 5]);
    expect(refused.error?.msg).toMatch(/no space|ENOSPC|full/i);
    expect(after).toEqual(before);
    expect([removed.status, removed.stdout]).toEqual([0, '']);
    expect(left).toEqual([[], []]);
    expect(again.status).toBe(0);
  },
);

test.each([1, 2, 3, 4, 5])(
  'where only %i more files fit, ADD either succeeds or leaves nothing, and then succeeds without a DEL',
  async (files) => {
    await using rig = await Rig.create();
    const { disk, conf, dataDir } = await onSmallDisk(rig);
    await using _disk = disk;
    const [one, other] = [await rig.container(), await rig.container()];
    await rig.add(conf, one);
    await disk.fill('inodes');
    await disk.spare(files);

    const tight = await rig.cni('ADD', conf, other);
    const leased = leasesIn(dataDir).length;
    if (tight.status === 0) await rig.del(conf, other);
    await disk.empty();
    const roomy = await rig.cni('ADD', conf, other);

    expect(leased).toBe(tight.status === 0 ? 2 : 1);
    expect([roomy.status, roomy.error?.msg]).toEqual([0, undefined]);
  },
);

test('with a read-only data directory ADD fails and leaves nothing, STATUS says so, DEL is finished when it can be', async () => {
  await using rig = await Rig.create();
  const { disk, conf, dataDir } = await onSmallDisk(rig);
  await using _disk = disk;
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(conf, one);
  const before = [await observeState(rig.host), await observeState(other)];
  await disk.setReadOnly(true);

  const refused = await rig.cni('ADD', conf, other);
  const after = [await observeState(rig.host), await observeState(other)];
  const status = await rig.cni('STATUS', conf, '');
  const unfinished = await rig.cni('DEL', conf, one);
  await disk.setReadOnly(false);
  const finished = await rig.cni('DEL', conf, one);

  expect([refused.status, refused.error?.code]).toEqual([1, 5]);
  expect(after).toEqual(before);
  expect(status.error?.code).toBe(50);
  expect([unfinished.status, unfinished.error?.code, unfinished.stderr]).toEqual([1, 5, '']);
  expect(finished.status).toBe(0);
  expect([await linkNames(one), leasesIn(dataDir)]).toEqual([[], []]);
});

const index = (rig: Rig) => `${rig.dataDir}.fairlead/net`;
const lease = (rig: Rig) => `${rig.dataDir}/net/10.22.0.2`;
const record = (rig: Rig) => `${index(rig)}/attachments/c1,eth0`;

function replace(path: string, content: string | Buffer | 'a directory'): void {
  rmSync(path, { recursive: true, force: true });
  if (content === 'a directory') mkdirSync(path);
  else writeFileSync(path, content);
}

const garbage = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 37) % 256));

/** Damages by which the owner of 10.22.0.2 can no more be told. */
const leaseDamages: Record<string, (rig: Rig) => void> = {
  'an empty lease file': (rig) => replace(lease(rig), ''),
  'a truncated lease file': (rig) => replace(lease(rig), 'c1\r'),
  'a lease file of bytes': (rig) => replace(lease(rig), garbage),
  'a directory named like an address': (rig) => replace(lease(rig), 'a directory'),
};

/** Damages beside lease files that all say whose they are. */
const otherDamages: Record<string, (rig: Rig) => void> = {
  'a file with another name in the lease directory': (rig) => replace(`${rig.dataDir}/net/notes.txt`, 'x'),
  'a damaged last_reserved_ip': (rig) => replace(`${rig.dataDir}/net/last_reserved_ip.0`, garbage),
  'a last_reserved_ip outside the range': (rig) =>
    replace(`${rig.dataDir}/net/last_reserved_ip.0`, '192.0.2.1'),
  'an index without its records': (rig) => rmSync(`${index(rig)}/attachments`, { recursive: true }),
  'no index': (rig) => rmSync(index(rig), { recursive: true }),
  'a record of bytes': (rig) => replace(record(rig), garbage),
  'an empty record': (rig) => replace(record(rig), ''),
  'a record that is JSON but no record': (rig) =>
    replace(record(rig), '{"containerId":"c1","addresses":[5,{}]}'),
  'a record that is null': (rig) => replace(record(rig), 'null'),
  'a record with a damaged proof': (rig) =>
    replace(record(rig), '{"containerId":"c1","ifName":"eth0","addresses":["10.22.0.2"],"proof":5}'),
  'a directory instead of a record': (rig) => replace(record(rig), 'a directory'),
  'a directory instead of the stamp': (rig) => replace(`${index(rig)}/stamp`, 'a directory'),
  'a stamp of bytes': (rig) => replace(`${index(rig)}/stamp`, garbage),
};

/** Calls of and about others than c1, and c1's DEL, after a damage. */
async function useAfter(rig: Rig, damage: (rig: Rig) => void) {
  const conf = hostLocalConf(rig);
  for (const name of ['c1', 'c2', 'c3']) await rig.add(conf, name);
  damage(rig);
  const answers = [
    await rig.cni('DEL', conf, 'c3'),
    await rig.cni('ADD', conf, 'c4'),
    await rig.cni('DEL', conf, 'c1'),
    await rig.cni('STATUS', conf, ''),
  ];
  return answers.map(({ status, error, stderr }) => (status === 0 ? stderr : error?.msg));
}

test.each(Object.entries(leaseDamages))("%s is nobody's, and stops nobody else", async (_, damage) => {
  await using rig = await Rig.create();

  const problems = await useAfter(rig, damage);

  const { '10.22.0.2': damaged, ...others } = rig.leases();
  expect(problems).toEqual(['', '', '', '']);
  expect(others).toMatchObject({ '10.22.0.3': 'c2\r\neth0' });
  expect(Object.values(others).sort()).toEqual(['c2\r\neth0', 'c4\r\neth0']);
  expect(damaged ?? 'c1').not.toBe('c4\r\neth0');
});

test.each(Object.entries(otherDamages))('%s stops nobody, and no lease is forgotten', async (_, damage) => {
  await using rig = await Rig.create();

  const problems = await useAfter(rig, damage);

  expect(problems).toEqual(['', '', '', '']);
  expect(rig.leases()).toMatchObject({ '10.22.0.3': 'c2\r\neth0' });
  expect(Object.values(rig.leases()).sort()).toEqual(['c2\r\neth0', 'c4\r\neth0']);
});

test('a last_reserved_ip that cannot be written fails the ADD, which leaves nothing, and no DEL', async () => {
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig);
  for (const name of ['c1', 'c2']) await rig.add(conf, name);
  replace(`${rig.dataDir}/net/last_reserved_ip.0`, 'a directory');

  const refused = await rig.cni('ADD', conf, 'c3');
  const afterRefused = rig.leases();
  await rig.del(conf, 'c1');

  expect(refused.error).toMatchObject({ code: 5, msg: expect.stringContaining('last_reserved_ip.0') });
  expect(afterRefused).toEqual({ '10.22.0.2': 'c1\r\neth0', '10.22.0.3': 'c2\r\neth0' });
  expect(rig.leases()).toEqual({ '10.22.0.3': 'c2\r\neth0' });
});

test('a damaged index is rebuilt from the lease files: an attachment is found and refused a second lease', async () => {
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig);
  await rig.add(conf, 'c1');
  rmSync(index(rig), { recursive: true });

  const second = await rig.cni('ADD', conf, 'c1');
  await rig.del(conf, 'c1');

  expect([second.status, second.error?.msg]).toEqual([1, expect.stringContaining('10.22.0.2')]);
  expect(rig.leases()).toEqual({});
});

test('lease files are as the reference writes them: mode 0600, id, CR LF, interface', async () => {
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig, {
    ipam: ipamConf(rig, [[{ subnet: '10.22.0.0/24' }], [{ subnet: 'fd00:22::/64' }]]),
  });

  const result = await rig.add(conf, 'c1');

  expect(ipsOf(result)).toEqual(['10.22.0.2', 'fd00:22::2']);
  expect(readdirSync(`${rig.dataDir}/net`).sort()).toEqual(
    expect.arrayContaining(['10.22.0.2', 'fd00:22::2', 'last_reserved_ip.0', 'last_reserved_ip.1']),
  );
  expect(readFileSync(`${rig.dataDir}/net/last_reserved_ip.0`, 'utf8')).toBe('10.22.0.2');
  expect(rig.leases()).toEqual({ '10.22.0.2': 'c1\r\neth0', 'fd00:22::2': 'c1\r\neth0' });
});
