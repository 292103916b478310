import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir, reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, dualConf, hostLocalConf, ipamConf, ipsOf, v4 } from '../support/confs.ts';
import { linkNames, listChains } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { type Answer, type CallOptions, type Conf, Rig } from '../support/rig.ts';

/** A network with all that leaves traces: leases of both families, masquerade, spoof check. */
function fullConf(rig: Rig): Conf {
  return dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true });
}

const ways: Record<string, CallOptions> = {
  'as the runtime usually calls': {},
  'without CNI_NETNS': { env: { CNI_NETNS: undefined } },
  'with an empty CNI_NETNS': { env: { CNI_NETNS: '' } },
  'with a namespace path that is not there': { env: { CNI_NETNS: '/run/netns/fl-tnone' } },
};

test.each(Object.entries(ways))('DEL leaves nothing, and succeeds a second time: %s', async (_, options) => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = fullConf(rig);
  await rig.add(conf, container, { args: 'K8S_POD_NAME=a;IP=10.22.0.50' });
  expect(await leftovers(rig)).not.toEqual(nothing);

  const first = await rig.cni('DEL', conf, container, options);
  const second = await rig.cni('DEL', conf, container, options);

  expect([first.status, second.status, first.stdout, second.stdout]).toEqual([0, 0, '', '']);
  expect(await leftovers(rig)).toEqual(nothing);
  expect(await linkNames(container)).toEqual([]);
});

test('DEL leaves nothing when the namespace is gone', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = fullConf(rig);
  await rig.add(conf, container);
  await rig.remove(container);

  await rig.del(conf, container);

  expect(await leftovers(rig)).toEqual(nothing);
});

test('DEL before any ADD succeeds and makes nothing', async () => {
  await using rig = await Rig.create();

  const { status, stdout } = await rig.cni('DEL', fullConf(rig), 'never', { env: { CNI_NETNS: '' } });

  expect([status, stdout]).toEqual([0, '']);
  expect(await linkNames(rig.host)).toEqual([]);
  expect(await listChains(rig.host, 'inet')).toEqual([]);
});

test('DEL with a previous result, of any version, leaves nothing', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const conf = { ...fullConf(rig), cniVersion: '0.4.0' };
  const prevResult = await rig.add(conf, one);
  const old = { ...conf, cniVersion: '0.2.0' };
  const oldResult = await rig.add(old, other);

  await rig.del({ ...conf, prevResult }, one);
  await rig.del({ ...old, prevResult: oldResult }, other);

  expect(await leftovers(rig)).toEqual(nothing);
});

test('DEL of one container leaves another of the same network as it was', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const conf = fullConf(rig);
  await rig.add(conf, one);
  const before = { ...(await leftovers(rig)) };
  await rig.add(conf, other);

  await rig.del(conf, other);

  expect(await leftovers(rig)).toEqual(before);
});

test('an address that was released is not leased again at once', async () => {
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig);
  await rig.add(conf, 'c1');
  await rig.del(conf, 'c1');

  const next = await rig.add(conf, 'c2');

  expect(ipsOf(next)).toEqual([v4.second]);
});

test('DEL of ours releases what the reference has attached, and leaves nothing', async (context) => {
  requireReference(context, 'bridge', 'host-local');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dualConf(rig, { cniVersion: '1.0.0' });
  await rig.add(conf, container, reference('bridge'));

  await rig.del(conf, container);

  expect(await leftovers(rig)).toEqual(nothing);
  expect(await linkNames(container)).toEqual([]);
});

test('the reference releases what ours has attached, and leaves nothing', async (context) => {
  requireReference(context, 'bridge', 'host-local');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dualConf(rig, { cniVersion: '1.0.0' });
  await rig.add(conf, container);

  await rig.del(conf, container, reference('bridge'));

  expect(await leftovers(rig)).toEqual(nothing);
  expect(await linkNames(container)).toEqual([]);
});

test('leases are taken over both ways: neither gives what the other has, each goes on where the other was', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  const theirs = reference('host-local');

  const given = [
    await rig.add(conf, 'c1', theirs),
    await rig.add(conf, 'c2'),
    await rig.add(conf, 'c3', theirs),
    await rig.add(conf, 'c4'),
  ];
  await rig.del(conf, 'c3');
  await rig.del(conf, 'c2', theirs);

  expect(given.flatMap(ipsOf)).toEqual(['10.22.0.2', '10.22.0.3', '10.22.0.4', '10.22.0.5']);
  expect(rig.leases()).toEqual({ '10.22.0.2': 'c1\r\neth0', '10.22.0.5': 'c4\r\neth0' });
});

test("a lease file of old, which holds the container's id alone, is respected and released", async () => {
  await using rig = await Rig.create();
  mkdirSync(`${rig.dataDir}/net`, { recursive: true });
  writeFileSync(`${rig.dataDir}/net/${v4.first}`, 'legacy');
  writeFileSync(`${rig.dataDir}/net/last_reserved_ip.0`, v4.gateway);
  const conf = hostLocalConf(rig);

  const next = await rig.add(conf, 'c1');
  await rig.del(conf, 'legacy');

  expect(ipsOf(next)).toEqual([v4.second]);
  expect(rig.leases()).toEqual({ [v4.second]: 'c1\r\neth0' });
});

test('an ADD without a DEL before it is refused, by ours as by the reference', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  await rig.add(conf, container, reference('host-local'));

  const ours = await rig.cni('ADD', conf, container);
  const theirs = await rig.cni('ADD', conf, container, reference('host-local'));

  expect([ours.status, theirs.status]).toEqual([1, 1]);
  expect(Object.keys(rig.leases())).toEqual([v4.first]);
});

test('fifty ADDs at once, every other by the reference, never give an address twice', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  const calls = Array.from({ length: 50 }, (_, at) =>
    rig.cni('ADD', conf, `c${at}`, at % 2 === 0 ? reference('host-local') : {}),
  );

  const answers = await Promise.all(calls);

  expect(answers.filter(({ status }) => status !== 0).map(({ stdout }) => stdout)).toEqual([]);
  const given = answers.flatMap(({ result }) => (result === undefined ? [] : ipsOf(result)));
  expect(new Set(given).size).toBe(50);
  expect(Object.keys(rig.leases()).sort()).toEqual(given.toSorted());
});

test('fifty DELs at once, every other by the reference, release everything', async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const conf = hostLocalConf(rig, { cniVersion: '1.0.0' });
  const names = Array.from({ length: 50 }, (_, at) => `c${at}`);
  for (const name of names) await rig.add(conf, name, reference('host-local'));

  const answers = await Promise.all(
    names.map((name, at) => rig.cni('DEL', conf, name, at % 2 === 0 ? {} : reference('host-local'))),
  );

  expect(answers.map(({ status }: Answer) => status)).toEqual(names.map(() => 0));
  expect(rig.leases()).toEqual({});
});

test("our bridge executes the reference's host-local where CNI_PATH has that first", async (context) => {
  requireReference(context, 'host-local');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, { cniVersion: '1.0.0', ipam: ipamConf(rig) });
  const options = { env: { CNI_PATH: `${reference('host-local').env.CNI_PATH}:${binDir}` } };

  const result = await rig.add(conf, container, options);
  const leased = rig.leases();
  await rig.del(conf, container, options);

  expect(ipsOf(result)).toEqual([v4.first]);
  expect(leased).toEqual({ [v4.first]: `${container}\r\neth0` });
  expect(await leftovers(rig)).toEqual(nothing);
});
