import { describe, expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, v4, v6 } from '../support/confs.ts';
import { addressesOf, linkOf, listRoutes } from '../support/kernel.ts';
import { type CallOptions, type Conf, Rig } from '../support/rig.ts';
import { canPing } from '../support/traffic.ts';

const addresses = [
  { address: `${v4.first}/24`, gateway: v4.gateway },
  { address: `${v6.first}/64`, gateway: v6.gateway },
];
const routes = [{ dst: '0.0.0.0/0' }, { dst: '10.9.0.0/16', gw: v4.gateway }];
const dns = {
  nameservers: ['192.0.2.53'],
  domain: 'example.org',
  search: ['example.org'],
  options: ['ndots:2'],
};

const conf = (ipam: object = {}, changes: Conf = {}): Conf => ({
  cniVersion: '1.0.0',
  name: 'net',
  type: 'static',
  ipam: { type: 'static', addresses, routes, dns, ...ipam },
  ...changes,
});

const asked = { args: { cni: { ips: ['10.22.0.9/24'] } } };
const runtime = { runtimeConfig: { ips: ['10.22.0.8/24', 'fd00:22::8/64'] } };

const cases: Readonly<Record<string, readonly [Conf, CallOptions?]>> = {
  'version 0.2.0': [conf({}, { cniVersion: '0.2.0' })],
  'version 0.3.1': [conf({}, { cniVersion: '0.3.1' })],
  'version 0.4.0': [conf({}, { cniVersion: '0.4.0' })],
  'version 1.0.0': [conf()],
  'addresses by CNI_ARGS': [conf(), { args: 'IP=10.23.0.2/24,fd00:23::2/64' }],
  'gateways by CNI_ARGS': [conf(), { args: 'IP=10.23.0.2/24;GATEWAY=10.23.0.1,10.22.0.7,10.23.0.6' }],
  'addresses by args': [conf({}, asked), { args: 'IP=10.23.0.2/24;GATEWAY=10.22.0.1' }],
  'addresses by runtimeConfig': [conf({}, { ...asked, ...runtime })],
  'addresses by runtimeConfig alone': [conf({ addresses: undefined, routes: undefined }, runtime)],
};

test.for(Object.entries(cases))(
  'the answer is the reference’s: %s',
  async ([, [given, options]], context) => {
    requireReference(context, 'static');
    await using rig = await Rig.create();
    const container = await rig.container();

    const expected = await rig.add(given, container, { ...options, ...reference('static') });
    const found = await rig.add(given, container, options);

    expect(found).toEqual(expected);
  },
);

describe('under a bridge', () => {
  const bridged = (rig: Rig) => bridgeConf(rig, { registry: false, ipam: conf().ipam });

  test('a container has the addresses and the routes, and CHECK and DEL know them', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();

    const prevResult = await rig.add(bridged(rig), container);

    expect(addressesOf(await linkOf(container, 'eth0'))).toEqual(addresses.map(({ address }) => address));
    expect((await listRoutes(container, 4)).map(({ dst }) => dst)).toContain('10.9.0.0/16');
    expect(await canPing(container, v4.gateway)).toBe(true);
    expect(prevResult.dns).toEqual(dns);
    const { status, stdout } = await rig.cni('CHECK', { ...bridged(rig), prevResult }, container);
    expect([status, stdout]).toEqual([0, '']);
    await rig.del(bridged(rig), container);
  });

  test('routes are set with all that they say', async () => {
    await using rig = await Rig.create();
    const container = await rig.container();
    const ipam = conf({ routes: [{ dst: '10.9.0.0/16', gw: v4.gateway, mtu: 1300, priority: 7 }] }).ipam;

    await rig.add(bridgeConf(rig, { registry: false, ipam }), container);

    const found = (await listRoutes(container, 4)).find(({ dst }) => dst === '10.9.0.0/16');
    expect(found).toMatchObject({ gateway: v4.gateway, metric: 7, metrics: [{ mtu: 1300 }] });
  });
});

test('CHECK sees that a container was given another address', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const prevResult = await rig.add(conf(), container);
  expect((await rig.cni('CHECK', conf({}, { prevResult }), container)).status).toBe(0);

  const { error } = await rig.cni(
    'CHECK',
    conf({ addresses: [{ address: '10.22.0.77/24' }] }, { prevResult }),
    container,
  );

  expect(error?.msg).toContain('was not given 10.22.0.77/24');
});

test('an address without prefix is refused, and DEL does not mind', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const given = conf({ addresses: [{ address: '10.22.0.2' }] });

  const { error } = await rig.cni('ADD', given, container);

  expect(error).toMatchObject({ code: 7, msg: expect.stringContaining('ipam.addresses[0].address') });
  await rig.del(given, container);
});
