import { expect, test } from 'vitest';
import { bridgeConf, dualConf, ipamConf, ipsOf, v4, v6 } from '../support/confs.ts';
import {
  addressesOf,
  hasVlanFiltering,
  linkOf,
  listChains,
  listNft,
  listRoutes,
  readSysctl,
  writeSysctl,
} from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { skipUnless } from '../support/skip.ts';
import { addOutside, canPing, hostOutside, sourceSeenBy, startSourceServer } from '../support/traffic.ts';

/** Two containers of a network, and the results of their ADDs. */
async function addTwo(rig: Rig, conf: Conf) {
  const [one, other] = [await rig.container(), await rig.container()];
  return { one, other, first: await rig.add(conf, one), second: await rig.add(conf, other) };
}

const families: Record<string, readonly (readonly object[])[]> = {
  IPv4: [[{ subnet: v4.subnet }]],
  IPv6: [[{ subnet: v6.subnet }]],
  'dual stack': [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]],
  'three range sets': [[{ subnet: '10.23.0.0/24' }], [{ subnet: v4.subnet }], [{ subnet: v6.subnet }]],
};

test.each(Object.entries(families))(
  'containers reach each other and their gateway over every address: %s',
  async (_, ranges) => {
    await using rig = await Rig.create();
    const { one, other, first, second } = await addTwo(rig, bridgeConf(rig, { ipam: ipamConf(rig, ranges) }));

    const targets = [...ipsOf(second), ...(second.ips ?? []).map(({ gateway }) => gateway ?? 'none')];
    const reached = await Promise.all(targets.map((target) => canPing(one, target)));
    const back = await Promise.all(ipsOf(first).map((target) => canPing(other, target)));

    expect(ipsOf(second)).toHaveLength(ranges.length);
    expect(Object.fromEntries(targets.map((target, at) => [target, reached[at]]))).toEqual(
      Object.fromEntries(targets.map((target) => [target, true])),
    );
    expect(back).toEqual(ipsOf(first).map(() => true));
  },
);

test('the bridge has the gateway addresses, the container a default route by each, and the host forwards', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  await rig.add(dualConf(rig), container);

  expect(addressesOf(await linkOf(rig.host, 'br0'))).toEqual([`${v4.gateway}/24`, `${v6.gateway}/64`]);
  expect(addressesOf(await linkOf(container, 'eth0'))).toEqual([`${v4.first}/24`, `${v6.first}/64`]);
  expect(await listRoutes(container, 4)).toContainEqual(
    expect.objectContaining({ dst: 'default', gateway: v4.gateway }),
  );
  expect(await listRoutes(container, 6)).toContainEqual(
    expect.objectContaining({ dst: 'default', gateway: v6.gateway }),
  );
  expect(await readSysctl(rig.host, 'ipv4/ip_forward')).toBe('1');
  expect(await readSysctl(rig.host, 'ipv6/conf/all/forwarding')).toBe('1');
});

test('a network without a gateway is layer 2 only: no address on the bridge, no default route, no forwarding', async () => {
  await using rig = await Rig.create();
  const { one, second } = await addTwo(rig, bridgeConf(rig, { isDefaultGateway: false }));

  const isReached = await canPing(one, ipsOf(second)[0] ?? '');

  expect(isReached).toBe(true);
  expect(addressesOf(await linkOf(rig.host, 'br0'))).toEqual([]);
  expect((await listRoutes(one, 4)).filter(({ dst }) => dst === 'default')).toEqual([]);
  expect(await readSysctl(rig.host, 'ipv4/ip_forward')).toBe('0');
});

test("routes of the configuration lead by their gateway, or by the network's where they name none", async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const routes = [{ dst: '192.0.2.0/24' }, { dst: '198.51.100.0/24', gw: '10.22.0.77' }];

  await rig.add(
    bridgeConf(rig, { isDefaultGateway: false, isGateway: true, ipam: { ...ipamConf(rig), routes } }),
    container,
  );

  const found = (await listRoutes(container, 4)).map(({ dst, gateway }) => [dst, gateway]);
  expect(found).toContainEqual(['192.0.2.0/24', v4.gateway]);
  expect(found).toContainEqual(['198.51.100.0/24', '10.22.0.77']);
  expect(found.some(([dst]) => dst === 'default')).toBe(false);
});

test('the configured MTU is that of both ends and of the bridge', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const result = await rig.add(bridgeConf(rig, { mtu: 1400 }), container);

  const veth = result.interfaces?.[1]?.name ?? '';
  const links = [
    await linkOf(rig.host, 'br0'),
    await linkOf(rig.host, veth),
    await linkOf(container, 'eth0'),
  ];
  expect(links.map(({ mtu }) => mtu)).toEqual([1400, 1400, 1400]);
  expect(result.interfaces?.map(({ mtu }) => mtu)).toEqual([1400, 1400, 1400]);
});

test('hairpin is a setting of the port, promiscuous mode one of the bridge', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];

  const hairpin = await rig.add(bridgeConf(rig, { hairpinMode: true }), one);
  const plain = await rig.add(bridgeConf(rig, { promiscMode: true }), other);

  const portOf = async (name = '') => (await linkOf(rig.host, name)).linkinfo?.info_slave_data;
  expect(await portOf(hairpin.interfaces?.[1]?.name)).toMatchObject({ hairpin: true });
  expect(await portOf(plain.interfaces?.[1]?.name)).toMatchObject({ hairpin: false });
  expect((await linkOf(rig.host, 'br0')).flags).toContain('PROMISC');
});

test('isolated ports reach the gateway and not each other', async () => {
  await using rig = await Rig.create();
  const { one, other } = await addTwo(rig, bridgeConf(rig, { portIsolation: true }));
  const open = await rig.container();
  await rig.add(bridgeConf(rig), open);

  const [gateway, neighbour, openOne] = await Promise.all([
    canPing(one, v4.gateway),
    canPing(one, v4.second),
    canPing(other, '10.22.0.4'),
  ]);

  // The port that is not isolated shows that the ping can succeed at all.
  expect({ gateway, neighbour, openOne }).toEqual({ gateway: true, neighbour: false, openOne: true });
});

const wishes = {
  environment: { args: 'MAC=02:00:00:00:00:01;IgnoreUnknown=1' },
  arguments: { args: { cni: { mac: '02:00:00:00:00:02' } } },
  runtime: { runtimeConfig: { mac: '02:00:00:00:00:03' } },
};

test.each([
  ['CNI_ARGS', {}, '02:00:00:00:00:01'],
  ['args.cni.mac over CNI_ARGS', wishes.arguments, '02:00:00:00:00:02'],
  ['runtimeConfig.mac over both', { ...wishes.arguments, ...wishes.runtime }, '02:00:00:00:00:03'],
])('the container gets the MAC that is asked for by %s', async (_, fields, mac) => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const result = await rig.add(bridgeConf(rig, fields), container, wishes.environment);

  expect((await linkOf(container, 'eth0')).address).toBe(mac);
  expect(result.interfaces?.[2]?.mac).toBe(mac);
});

test.each([
  ['CNI_ARGS', {}, { args: 'IP=10.22.0.50' }],
  ['args.cni.ips', { args: { cni: { ips: ['10.22.0.50'] } } }, {}],
  ['runtimeConfig.ips', { runtimeConfig: { ips: ['10.22.0.50/24'] } }, {}],
])('the container gets the address that is asked for by %s', async (_, fields, options) => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const result = await rig.add(bridgeConf(rig, fields), container, options);

  expect(ipsOf(result)).toEqual(['10.22.0.50']);
  expect(addressesOf(await linkOf(container, 'eth0'))).toEqual(['10.22.0.50/24']);
});

test('an address that is taken is not given to the next who asks for it, and nothing of that ADD stays', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(bridgeConf(rig), one, { args: 'IP=10.22.0.50' });

  const { status, error } = await rig.cni('ADD', bridgeConf(rig), other, { args: 'IP=10.22.0.50' });

  expect(status).toBe(1);
  expect(error?.msg).toContain('10.22.0.50');
  expect(Object.keys(rig.leases())).toEqual(['10.22.0.50']);
});

const nfCall = 'bridge/bridge-nf-call-iptables';

test.each(['0', '1'])(
  "masqueraded traffic leaves with the host's address, and that inside the network does not (bridge-nf-call-iptables=%s)",
  async (value) => {
    await using rig = await Rig.create();
    if ((await readSysctl(rig.host, nfCall)) !== undefined) {
      await writeSysctl(rig.host, nfCall, value);
      await writeSysctl(rig.host, nfCall.replace('iptables', 'ip6tables'), value);
    }
    const outside = await addOutside(rig);
    const { one, other } = await addTwo(rig, dualConf(rig, { ipMasq: true }));
    await using _server = await startSourceServer(outside.netns);
    await using _neighbour = await startSourceServer(other);

    const seen = {
      v4: await sourceSeenBy(outside.v4, one),
      v6: await sourceSeenBy(outside.v6, one),
      neighbourV4: await sourceSeenBy(v4.second, one),
      neighbourV6: await sourceSeenBy(v6.second, one),
    };

    expect(seen).toEqual({
      v4: hostOutside.v4,
      v6: hostOutside.v6,
      neighbourV4: v4.first,
      neighbourV6: v6.first,
    });
  },
);

test("without ipMasq traffic leaves with the container's own address", async () => {
  await using rig = await Rig.create();
  const outside = await addOutside(rig);
  const container = await rig.container();
  await rig.add(dualConf(rig), container);
  await using _server = await startSourceServer(outside.netns);

  const seen = [await sourceSeenBy(outside.v4, container), await sourceSeenBy(outside.v6, container)];

  expect(seen).toEqual([v4.first, v6.first]);
  expect(await listChains(rig.host, 'inet')).toEqual([]);
});

test('two networks on one host do not disturb each other, even with the same subnet', async () => {
  await using rig = await Rig.create();
  const outside = await addOutside(rig);
  const plain = bridgeConf(rig, { name: 'plain', bridge: 'br1' });
  const masqueraded = bridgeConf(rig, {
    name: 'masq',
    bridge: 'br2',
    ipMasq: true,
    ipam: ipamConf(rig, [[{ subnet: '10.33.0.0/24' }]]),
  });
  const [one, other, third] = await rig.containers(3);
  if (one === undefined || other === undefined || third === undefined) throw new Error('no containers');
  await rig.add(plain, one);
  await rig.add(masqueraded, other);
  // A second network with the subnet of the first, on a bridge of its own.
  await rig.add(
    bridgeConf(rig, { name: 'twin', bridge: 'br3', isDefaultGateway: false, ipMasq: true }),
    third,
  );
  await using _server = await startSourceServer(outside.netns);

  const before = [await sourceSeenBy(outside.v4, one), await sourceSeenBy(outside.v4, other)];
  const between = await canPing(other, v4.first);
  await rig.del(masqueraded, other);
  const after = await sourceSeenBy(outside.v4, one);

  expect(before).toEqual([v4.first, hostOutside.v4]);
  expect(between).toBe(true);
  expect(after).toBe(v4.first);
});

test('two interfaces of one container are two attachments: DEL of one leaves the other working', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, { ipMasq: true });
  await rig.add(conf, container);
  await rig.add({ ...conf, isDefaultGateway: false, isGateway: true }, container, { ifName: 'eth1' });

  await rig.del(conf, container, { ifName: 'eth1' });

  expect(await canPing(container, v4.gateway)).toBe(true);
  expect(Object.values(rig.leases())).toEqual([`${container}\r\neth0`]);
});

test('rules of a network that stand are not written again by its next ADD', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const conf = dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true });
  const ruleHandles = async () => (await listNft(rig.host)).flatMap(({ rule }) => rule?.handle ?? []);
  await rig.add(conf, one);
  const before = await ruleHandles();

  await rig.add(conf, other);

  expect(before).toHaveLength(8);
  expect(await ruleHandles()).toEqual(before);
});

test('a rule of the network that somebody has removed is written again by its next ADD', async () => {
  await using rig = await Rig.create();
  const [one, other] = [await rig.container(), await rig.container()];
  const outside = await addOutside(rig);
  const conf = bridgeConf(rig, { ipMasq: true });
  await rig.add(conf, one);
  await mustInside(rig.host, 'nft', 'flush', 'ruleset');
  await using _server = await startSourceServer(outside.netns);
  const unmasqueraded = await sourceSeenBy(outside.v4, one);

  await rig.add(conf, other);

  expect(unmasqueraded).toBe(v4.first);
  expect(await sourceSeenBy(outside.v4, one)).toBe(hostOutside.v4);
});

test('a VLAN keeps containers of the same bridge apart', async (context) => {
  await using rig = await Rig.create();
  skipUnless(context, await hasVlanFiltering(rig.host), 'this kernel has no VLAN filtering on bridges');
  const [one, other] = [await rig.container(), await rig.container()];
  await rig.add(bridgeConf(rig, { vlan: 10, isDefaultGateway: false }), one);
  await rig.add(bridgeConf(rig, { vlan: 20, isDefaultGateway: false }), other);

  expect(await canPing(one, v4.second)).toBe(false);
});

test('an interface that is there already is refused, and stays as it was', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  await mustInside(container, 'ip', 'link', 'add', 'name', 'eth0', 'type', 'bridge');
  const before = await linkOf(container, 'eth0');

  const { status, error } = await rig.cni('ADD', bridgeConf(rig), container);

  expect(status).toBe(1);
  expect(error?.msg).toContain('eth0');
  expect(await linkOf(container, 'eth0')).toEqual(before);
  expect(rig.leases()).toEqual({});
});
