import { expect, test } from 'vitest';
import { Agent } from '../support/agent.ts';
import { createCnitool, findCnitool } from '../support/cnitool.ts';
import { bridgeConf, dualConf, v4, v6 } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { names } from '../support/rig-registry.ts';
import { skipUnless } from '../support/skip.ts';

const zone = 'fairlead.internal';

/** A network whose containers are the service `db` at port 5432, with the aliases that the runtime gives. */
function dbConf(rig: Rig, aliases: unknown, registry: object = {}): Conf {
  return dualConf(rig, {
    registry: { store: rig.store, service: 'db', ports: [{ name: 'sql', port: 5432 }], ...registry },
    capabilities: { aliases: true },
    runtimeConfig: { aliases },
  });
}

test.for<[string, unknown]>([
  ['a list', ['primary', 'Old_DB']],
  ["podman's lists by network", { net: ['primary', 'Old_DB'], other: ['elsewhere'] }],
])('aliases as %s resolve as the service does, until the DEL', async ([, aliases]) => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const container = await rig.container();
  const conf = dbConf(rig, aliases);

  await rig.add(conf, container);

  const own = `${container}.net.${zone}.`;
  for (const name of ['db', 'primary', 'old-db']) {
    expect(await agent.dig(`${name}.default.svc.${zone}`)).toEqual([v4.first]);
    expect(await agent.dig(`${name}.default.svc.${zone}`, 'AAAA')).toEqual([v6.first]);
    expect(await agent.dig(`_sql._tcp.${name}.default.svc.${zone}`, 'SRV')).toEqual([`0 1 5432 ${own}`]);
  }
  expect(await agent.dig('-x', v4.first)).toEqual([own]);
  expect(await agent.rcode(`elsewhere.default.svc.${zone}`)).toBe('NXDOMAIN');

  await rig.del(conf, container);

  for (const name of ['db', 'primary', 'old-db'])
    expect(await agent.rcode(`${name}.default.svc.${zone}`)).toBe('NXDOMAIN');
});

test('an alias that several containers have leads to all of them', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(dbConf(rig, ['shared']), one);
  await rig.add(dbConf(rig, ['shared'], { service: 'cache' }), other);

  expect(await agent.dig(`shared.default.svc.${zone}`)).toEqual([v4.first, v4.second]);
  expect(await agent.dig(`cache.default.svc.${zone}`)).toEqual([v4.second]);
});

test('an alias is known to the containers of its network, and to no others', async () => {
  await using rig = await Rig.create();
  await using agent = await Agent.start(rig);
  const [one, beside, apart] = [await rig.container(), await rig.container(), await rig.container()];
  const otherNetwork = bridgeConf(rig, {
    name: 'apart',
    bridge: 'br1',
    registry: { store: rig.store },
    ipam: { type: 'host-local', dataDir: rig.dataDir, subnet: '10.23.0.0/24' },
  });
  await rig.add(dbConf(rig, ['primary']), one);
  await rig.add(dbConf(rig, []), beside);
  await rig.add(otherNetwork, apart);
  await agent.logged('DNS answers at the gateway', 3);

  const ask = async (netns: string, server: string) => {
    const options = ['+short', '+time=2', '+tries=1', `@${server}`];
    return (await mustInside(netns, 'dig', ...options, `primary.default.svc.${zone}`)).trim();
  };
  expect(await ask(beside, v4.gateway)).toBe(v4.first);
  expect(await ask(apart, '10.23.0.1')).toBe('');
});

test('a chained register has each alias once, whether it is given them or not', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dbConf(rig, ['primary']);
  const prevResult = await rig.add(conf, container);
  const registry = { store: rig.store };
  const register = { cniVersion: '1.1.0', name: 'net', type: 'register', prevResult, registry };
  const before = names(rig);

  await rig.add({ ...register, runtimeConfig: { aliases: ['primary'] } }, container);
  const given = names(rig);
  await rig.add(register, container);

  expect(before).toHaveLength(4);
  expect([given, names(rig)]).toEqual([before, before]);
});

test('an alias that is no name is refused with its path, and nothing is attached', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const { error } = await rig.cni('ADD', dbConf(rig, { net: ['primary', 'a b'] }), container);

  expect([error?.code, error?.msg]).toEqual([7, expect.stringContaining('runtimeConfig.aliases.net[1]')]);
  expect(await linkNames(container)).toEqual([]);
  expect(names(rig)).toEqual([]);
});

test('a runtime that finds the capabilities in a conflist gives aliases and dns', async (context) => {
  const binary = await findCnitool();
  if (binary === undefined) return skipUnless(context, false, 'cnitool cannot be compiled here');
  await using rig = await Rig.create();
  const container = await rig.container();
  const { cniVersion: _, name: __, ...bridge } = bridgeConf(rig, { dns: { domain: 'example' } });
  const conf = { ...bridge, registry: { store: rig.store, service: 'db' } };
  const cnitool = createCnitool(rig, binary, [{ ...conf, capabilities: { aliases: true, dns: true } }]);
  const capabilities = { aliases: ['primary'], dns: { servers: ['192.0.2.53'], searches: ['a.test'] } };

  const { stdout } = await cnitool.call('add', container, { capabilities });
  const during = names(rig);
  await cnitool.call('del', container, { capabilities });

  expect(JSON.parse(stdout).dns).toEqual({
    nameservers: ['192.0.2.53'],
    domain: 'example',
    search: ['a.test'],
  });
  expect(during).toEqual([`db ${v4.first}`, `primary ${v4.first}`]);
  expect(names(rig)).toEqual([]);
});
