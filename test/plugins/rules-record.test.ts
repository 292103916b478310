import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bridgeConf, ipamConf } from '../support/confs.ts';
import { mappingsOf } from '../support/portmap.ts';
import { ownElements, recordsOf } from '../support/portmap-table.ts';
import { mustInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';

/** A network with masquerade and a host port, on a bridge of its own. */
function networkOf(rig: Rig, number: number, more: object = {}): Conf {
  return bridgeConf(rig, {
    cniVersion: '1.1.0',
    name: `net${number}`,
    bridge: `br${number}`,
    isDefaultGateway: true,
    ipMasq: true,
    ipam: ipamConf(rig, [[{ subnet: `10.4${number}.0.0/24` }]]),
    runtimeConfig: { portMappings: mappingsOf(18_080 + number, ['tcp']) },
    ...more,
  });
}

async function flush(rig: Rig): Promise<void> {
  await mustInside(rig.host, 'nft', 'flush', 'ruleset');
}

const ruleset = (rig: Rig) => mustInside(rig.host, 'nft', 'list', 'ruleset');

test('after a flush the next ADD of each network writes what it needs', async () => {
  await using rig = await Rig.create();
  const [one, two] = [await rig.container(), await rig.container()];
  const networks = [networkOf(rig, 1), networkOf(rig, 2)] as const;
  await rig.add(networks[0], one);
  await rig.add(networks[1], two);
  await rig.del(networks[0], one);
  await rig.del(networks[1], two);
  await flush(rig);

  await rig.add(networks[0], one);
  await rig.add(networks[1], two);

  expect((await ruleset(rig)).match(/ masquerade comment "net[12] /g)).toHaveLength(2);
});

test('an ADD that is refused because the container is attached forgets nothing of it', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const network = networkOf(rig, 1, { ipMasq: false, macspoofchk: true, ipam: {} });
  const chained: Conf = { ...networkOf(rig, 1), type: 'portmap' };
  const prevResult = await rig.add({ ...network, runtimeConfig: {} }, container);
  await rig.add({ ...chained, prevResult: { ...prevResult, ips: [{ address: '10.41.0.9/24' }] } }, container);

  for (const conf of [network, chained]) {
    const { status } = await rig.cni(
      'ADD',
      { ...conf, prevResult: { ...prevResult, ips: [{ address: '10.41.0.9/24' }] } },
      container,
    );
    expect(status).toBe(1);
  }
  await rig.del(chained, container);
  await rig.del(network, container);

  expect(await ruleset(rig)).not.toContain(container);
});

test('where nothing can be noted, an ADD succeeds all the same', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const records = recordsOf(rig);
  for (const table of ['inet_fairlead_portmap', 'inet_fairlead'])
    mkdirSync(`${records}/shared.${table}`, { recursive: true });

  await rig.add(networkOf(rig, 1), container);

  expect(await ownElements(rig)).not.toEqual([]);
  await rig.del(networkOf(rig, 1), container);
  expect(await ownElements(rig)).toEqual([]);
});

test('GC takes away what nobody has a record of, and CHECK misses the record', async () => {
  await using rig = await Rig.create();
  const [lost, kept] = [await rig.container(), await rig.container()];
  const network = networkOf(rig, 1);
  const other = networkOf(rig, 1, { runtimeConfig: { portMappings: mappingsOf(18_090, ['tcp']) } });
  const prevResult = await rig.add(network, lost);
  await rig.add(other, kept);
  const before = await ownElements(rig);
  const records = recordsOf(rig);
  const [record] = readdirSync(records).filter(
    (name) => name.endsWith('.json') && readFileSync(`${records}/${name}`, 'utf8').includes(lost),
  );
  rmSync(`${records}/${record}`);

  const check = await rig.cni('CHECK', { ...network, prevResult }, lost);
  await rig.remove(lost);
  const valid = { 'cni.dev/valid-attachments': [{ containerID: kept, ifname: 'eth0' }] };
  await rig.cni('GC', { ...network, ...valid }, kept);

  expect(check.error?.msg).toContain('nothing below /run/fairlead/rules tells which rules it has');
  const after = await ownElements(rig);
  expect(after).toEqual(before.filter((element) => element.includes(kept)));
});

test('what is no file of ours at the place of a record stops neither ADD nor DEL', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const network = networkOf(rig, 1);
  await rig.add(network, container);
  const records = recordsOf(rig);
  const [record] = readdirSync(records).filter((name) => name.endsWith('.json'));
  const path = `${records}/${record}`;
  for (const make of [
    () => mkdirSync(path),
    () => writeFileSync(path, '{"version": 1'),
    () => mustInside(rig.host, 'mkfifo', path),
  ]) {
    rmSync(path, { recursive: true, force: true });
    await make();
    await rig.del(network, container);
    expect(await ownElements(rig)).toEqual([]);
    await rig.add(network, container);
  }
});
