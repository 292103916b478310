import { expect, test } from 'vitest';
import { bridgeConf, ipsOf } from '../support/confs.ts';
import { linkNames, listChains, listNft } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { Rig } from '../support/rig.ts';
import { canPing } from '../support/traffic.ts';

test('fifty ADDs at once on a new host all succeed, with one masquerade chain; fifty DELs at once leave nothing', async () => {
  await using rig = await Rig.create();
  const containers = await rig.containers(50);
  const conf = bridgeConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true });

  const added = await Promise.all(containers.map((container) => rig.cni('ADD', conf, container)));
  const addresses = added.flatMap(({ result }) => (result === undefined ? [] : ipsOf(result)));
  const rules = (await listNft(rig.host)).filter(
    ({ rule }) => rule?.table === 'fairlead' && rule.family === 'inet',
  );
  const reached = await canPing(containers[49] ?? '', addresses[0] ?? '');
  const chains = await listChains(rig.host, 'inet');

  expect(added.filter(({ status }) => status !== 0).map(({ stdout, stderr }) => stdout + stderr)).toEqual([]);
  expect(new Set(addresses).size).toBe(50);
  expect(Object.keys(rig.leases())).toHaveLength(50);
  expect([chains.length, rules.length]).toEqual([1, 1]);
  expect(reached).toBe(true);

  const removed = await Promise.all(containers.map((container) => rig.cni('DEL', conf, container)));

  expect(removed.filter(({ status }) => status !== 0).map(({ stdout, stderr }) => stdout + stderr)).toEqual(
    [],
  );
  expect(await leftovers(rig)).toEqual(nothing);
});

test('ADDs and DELs of many containers at once do not disturb each other', async () => {
  await using rig = await Rig.create();
  const containers = await rig.containers(20);
  const conf = bridgeConf(rig, { ipMasq: true, macspoofchk: true });
  const [leaving, coming] = [containers.slice(0, 10), containers.slice(10)];
  for (const container of leaving) await rig.add(conf, container);

  const answers = await Promise.all([
    ...leaving.map((container) => rig.cni('DEL', conf, container)),
    ...coming.map((container) => rig.cni('ADD', conf, container)),
  ]);

  expect(answers.filter(({ status }) => status !== 0).map(({ stdout }) => stdout)).toEqual([]);
  expect(Object.values(rig.leases()).sort()).toEqual(
    coming.map((container) => `${container}\r\neth0`).sort(),
  );
  expect((await linkNames(rig.host)).filter((name) => name.startsWith('veth'))).toHaveLength(10);
});

test('the same ADD twice at once: one succeeds, and the other takes nothing from it', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig);

  const answers = await Promise.all([rig.cni('ADD', conf, container), rig.cni('ADD', conf, container)]);

  expect(answers.map(({ status }) => status).sort()).toEqual([0, 1]);
  expect(Object.keys(rig.leases())).toHaveLength(1);
  const address = answers.flatMap(({ result }) => (result === undefined ? [] : ipsOf(result)))[0];
  expect(Object.keys(rig.leases())).toEqual([address]);
  expect(await linkNames(container)).toEqual(['eth0']);
  await rig.del(conf, container);
  expect(await leftovers(rig)).toEqual(nothing);
});
