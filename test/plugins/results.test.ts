import { expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, dualConf, ipamConf, v4, v6 } from '../support/confs.ts';
import { addressesOf, linkOf, listRoutes } from '../support/kernel.ts';
import { type CallOptions, type CniResult, type Conf, Rig } from '../support/rig.ts';

const routes = [{ dst: '192.0.2.0/24' }, { dst: '2001:db8:1::/48' }];

/** A dual-stack network with routes and dns, which use every part of a result. */
function fullConf(rig: Rig, cniVersion: string): Conf {
  const { ipam, ...conf } = dualConf(rig, {
    cniVersion,
    dns: { nameservers: ['192.0.2.53'], domain: 'example' },
  });
  return { ...conf, ipam: { ...(ipam as object), routes } };
}

test.each(['0.1.0', '0.2.0'])(
  'a result of version %s has an address of each family with its routes',
  async (cniVersion) => {
    await using rig = await Rig.create();
    const container = await rig.container();

    const result = await rig.add(fullConf(rig, cniVersion), container);

    expect(result).toEqual({
      cniVersion,
      ip4: {
        ip: `${v4.first}/24`,
        gateway: v4.gateway,
        routes: [{ dst: '192.0.2.0/24' }, { dst: '0.0.0.0/0', gw: v4.gateway }],
      },
      ip6: {
        ip: `${v6.first}/64`,
        gateway: v6.gateway,
        routes: [{ dst: '2001:db8:1::/48' }, { dst: '::/0', gw: v6.gateway }],
      },
      dns: { nameservers: ['192.0.2.53'], domain: 'example' },
    });
  },
);

test.each(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])(
  'a result of version %s lists interfaces, addresses and routes as that version has them',
  async (cniVersion) => {
    await using rig = await Rig.create();
    const container = await rig.container();
    const isNewest = cniVersion === '1.1.0';
    const hasFamily = cniVersion.startsWith('0.');

    const result = await rig.add(fullConf(rig, cniVersion), container);

    const mtu = isNewest ? { mtu: 1500 } : {};
    const mac = expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(result).toEqual({
      cniVersion,
      interfaces: [
        { name: 'br0', mac, ...mtu },
        { name: expect.stringMatching(/^veth[0-9a-f]{8}$/), mac, ...mtu },
        { name: 'eth0', mac, ...mtu, sandbox: `/run/netns/${container}` },
      ],
      ips: [
        {
          ...(hasFamily ? { version: '4' } : {}),
          interface: 2,
          address: `${v4.first}/24`,
          gateway: v4.gateway,
        },
        {
          ...(hasFamily ? { version: '6' } : {}),
          interface: 2,
          address: `${v6.first}/64`,
          gateway: v6.gateway,
        },
      ],
      routes: [...routes, { dst: '0.0.0.0/0', gw: v4.gateway }, { dst: '::/0', gw: v6.gateway }],
      dns: { nameservers: ['192.0.2.53'], domain: 'example' },
    });
  },
);

test('the MACs of a result are those of the kernel', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();

  const { interfaces = [] } = await rig.add(bridgeConf(rig), container);

  const links = [
    await linkOf(rig.host, 'br0'),
    await linkOf(rig.host, interfaces[1]?.name ?? ''),
    await linkOf(container, 'eth0'),
  ];
  expect(interfaces.map(({ mac }) => mac)).toEqual(links.map(({ address }) => address));
});

test('a configuration without cniVersion is one of 0.1.0', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const { cniVersion, ...conf } = bridgeConf(rig);

  const result = await rig.add(conf, container);

  expect(cniVersion).toBeDefined();
  expect(result.cniVersion).toBe('0.1.0');
  expect(result.ip4?.ip).toBe(`${v4.first}/24`);
});

test.each(['bridge', 'host-local'])(
  'VERSION of %s echoes the caller and lists every version',
  async (type) => {
    await using rig = await Rig.create();

    const { status, stdout } = await rig.cni('VERSION', { cniVersion: '0.4.0', type }, 'any');

    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: '0.4.0',
      supportedVersions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    });
  },
);

/** What of a result differs from call to call is replaced by a word. */
function normalise({ interfaces = [], ...rest }: CniResult): object {
  return {
    ...rest,
    interfaces: interfaces.map(({ name, mac, sandbox }) => ({
      name: name.replace(/^veth.*/, 'veth'),
      mac: mac === undefined ? 'absent' : 'a MAC',
      sandbox: sandbox === undefined ? 'absent' : 'a path',
    })),
  };
}

/** What an attachment is in the kernel, without names and MACs that are drawn. */
async function kernelFacts(rig: Rig, container: string, result: CniResult): Promise<object> {
  const port = await linkOf(rig.host, result.interfaces?.[1]?.name ?? '');
  const bridge = await linkOf(rig.host, 'br0');
  const link = await linkOf(container, 'eth0');
  const addressFacts = link.addr_info
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen, broadcast }) => ({ local, prefixlen, broadcast }));
  return {
    gateways: addressesOf(bridge),
    bridgeUp: bridge.flags.includes('UP'),
    promiscuous: bridge.flags.includes('PROMISC'),
    port: { ...port.linkinfo?.info_slave_data },
    mtu: [bridge.mtu, port.mtu, link.mtu],
    addresses: addressFacts,
    routes4: await routeFacts(container, 4),
    routes6: await routeFacts(container, 6),
  };
}

async function routeFacts(container: string, family: 4 | 6): Promise<readonly object[]> {
  const found = await listRoutes(container, family);
  return found
    .filter(({ dst }) => !dst.startsWith('fe80') && !dst.startsWith('ff00'))
    .map(({ dst, gateway, scope, prefsrc }) => ({ dst, gateway, scope, prefsrc }))
    .sort((one, other) => one.dst.localeCompare(other.dst));
}

/** The settings of a port that carry identity or time. */
const passing = [
  'designated_bridge',
  'designated_root',
  'bridge_id',
  'root_id',
  'no',
  'id',
  'designated_port',
];

function lasting(facts: object): object {
  return JSON.parse(
    JSON.stringify(facts, (key, value) =>
      passing.includes(key) || key.endsWith('_timer') ? undefined : value,
    ),
  );
}

const sameConfs: Record<string, (rig: Rig) => Conf> = {
  'default gateway': (rig) => bridgeConf(rig),
  'dual stack': (rig) => dualConf(rig),
  'gateway without default route': (rig) => bridgeConf(rig, { isDefaultGateway: false, isGateway: true }),
  'no gateway': (rig) => bridgeConf(rig, { isDefaultGateway: false }),
  'routes and dns': (rig) => ({
    ...bridgeConf(rig, { dns: { nameservers: ['192.0.2.53'], search: ['a', 'b'] } }),
    ipam: {
      ...ipamConf(rig),
      routes: [{ dst: '192.0.2.0/24' }, { dst: '198.51.100.0/24', gw: '10.22.0.9' }],
    },
  }),
  'hairpin and MTU': (rig) => bridgeConf(rig, { hairpinMode: true, mtu: 1400 }),
  'promiscuous bridge': (rig) => bridgeConf(rig, { promiscMode: true }),
  'two IPv4 range sets': (rig) =>
    bridgeConf(rig, {
      isDefaultGateway: false,
      ipam: ipamConf(rig, [[{ subnet: v4.subnet }], [{ subnet: '10.23.0.0/24', rangeStart: '10.23.0.10' }]]),
    }),
  'no IPAM': (rig) => bridgeConf(rig, { isDefaultGateway: false, ipam: {} }),
};

async function attachOnce(makeConf: (rig: Rig) => Conf, cniVersion: string, options?: CallOptions) {
  await using rig = await Rig.create();
  const container = await rig.container();
  const result = await rig.add({ ...makeConf(rig), cniVersion }, container, options);
  return { result: normalise(result), kernel: lasting(await kernelFacts(rig, container, result)) };
}

for (const cniVersion of ['0.3.1', '0.4.0', '1.0.0']) {
  test.each(Object.entries(sameConfs))(
    `results of ${cniVersion} and what is in the kernel are those of the reference: %s`,
    async (_, makeConf) => {
      const ours = await attachOnce(makeConf, cniVersion);
      const theirs = await attachOnce(makeConf, cniVersion, reference('bridge'));

      expect(ours).toEqual(theirs);
    },
  );
}

test.beforeEach((context) => {
  if (context.task.name.includes('reference')) requireReference(context, 'bridge', 'host-local');
});

test.each(['0.2.0', '0.3.1', '1.0.0'])(
  'host-local alone answers %s as the reference does',
  async (cniVersion) => {
    await using rig = await Rig.create();
    const conf = (name: string): Conf => ({
      cniVersion,
      name,
      type: 'host-local',
      ipam: {
        ...ipamConf(rig, [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]]),
        routes: [{ dst: '0.0.0.0/0' }],
      },
    });

    const ours = await rig.add(conf('ours'), 'c1');
    const theirs = await rig.add(conf('theirs'), 'c1', reference('host-local'));

    expect(ours).toEqual(theirs);
    expect(rig.leases('ours')).toEqual(rig.leases('theirs'));
  },
);

test.each(['ours', 'the reference'])(
  "a container's second network with a default route puts it before the first one's: %s",
  async (whose) => {
    await using rig = await Rig.create();
    const container = await rig.container();
    const options = whose === 'ours' ? {} : reference('bridge');
    const second = bridgeConf(rig, {
      cniVersion: '1.0.0',
      name: 'second',
      bridge: 'br1',
      ipam: ipamConf(rig, [[{ subnet: '10.44.0.0/24' }]]),
    });
    await rig.add(bridgeConf(rig, { cniVersion: '1.0.0' }), container, options);

    const { status, stdout } = await rig.cni('ADD', second, container, { ...options, ifName: 'eth1' });

    expect([status, stdout]).toEqual([0, expect.stringContaining('10.44.0.2')]);
    const defaults = (await listRoutes(container, 4)).filter(({ dst }) => dst === 'default');
    expect(defaults.map(({ gateway, dev }) => [gateway, dev])).toEqual([
      ['10.44.0.1', 'eth1'],
      [v4.gateway, 'eth0'],
    ]);
  },
);
