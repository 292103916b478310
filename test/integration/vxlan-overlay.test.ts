import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBootId } from '../../lib/attach/liveness.ts';
import { type Attached, Cluster, dualNetwork, reaches } from '../support/cluster.ts';
import { linkNames, linkOf, listRoutes } from '../support/kernel.ts';
import { mustInside, tryInside } from '../support/process.ts';
import { type CniResult, type Conf, Rig } from '../support/rig.ts';
import { realMachine, registered } from '../support/rig-registry.ts';
import { addOutside, hostOutside, sourceSeenBy, startSourceServer } from '../support/traffic.ts';
import { until } from '../support/until.ts';

// The plugin where somebody else leases the host's subnet and writes subnet.env: an agent, or flanneld.

const path = (rig: Rig) => `${rig.dir}/subnet.env`;

/** The file as flanneld writes it, and nothing else. */
const flannels = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.34.1/24
FLANNEL_MTU=1400
FLANNEL_IPMASQ=true
`;

const dual = `${flannels}FLANNEL_IPV6_NETWORK=fd00:5::/48
FLANNEL_IPV6_SUBNET=fd00:5:0:34::1/64
`;

function confOf(rig: Rig, changes: Conf = {}): Conf {
  return {
    cniVersion: '1.1.0',
    name: 'overlay',
    type: 'vxlan-overlay',
    subnetFile: path(rig),
    ipam: { dataDir: rig.dataDir },
    ...changes,
  };
}

/** A host that has this file. */
async function hostWith(text: string): Promise<Rig> {
  const rig = await Rig.create();
  writeFileSync(path(rig), text);
  return rig;
}

describe('over a file of flanneld', () => {
  const networks = [{ dst: '10.5.0.0/16' }, { dst: 'fd00:5::/48' }];
  const defaults = [
    { dst: '0.0.0.0/0', gw: '10.5.34.1' },
    { dst: '::/0', gw: 'fd00:5:0:34::1' },
  ];

  test.each(['0.1.0', '0.2.0'])('a result of %s has both addresses with their routes', async (cniVersion) => {
    await using rig = await hostWith(dual);

    const result = await rig.add(confOf(rig, { cniVersion }), await rig.container());

    expect(result).toMatchObject({
      cniVersion,
      ip4: { ip: '10.5.34.2/24', gateway: '10.5.34.1', routes: [networks[0], defaults[0]] },
      ip6: { ip: 'fd00:5:0:34::2/64', gateway: 'fd00:5:0:34::1', routes: [networks[1], defaults[1]] },
    });
  });

  test.each(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])(
    'a result of %s lists addresses and routes, that to the whole network first',
    async (cniVersion) => {
      await using rig = await hostWith(dual);

      const result = await rig.add(confOf(rig, { cniVersion }), await rig.container());

      expect(result).toMatchObject({ cniVersion, routes: [...networks, ...defaults] });
      expect(result.ips).toMatchObject([
        { interface: 2, address: '10.5.34.2/24', gateway: '10.5.34.1' },
        { interface: 2, address: 'fd00:5:0:34::2/64', gateway: 'fd00:5:0:34::1' },
      ]);
      expect(result.interfaces?.map(({ name }) => name.replace(/^veth.*/, 'veth'))).toEqual([
        'cni0',
        'veth',
        'eth0',
      ]);
    },
  );

  test('VERSION lists every version, STATUS and CHECK find nothing wrong', async () => {
    await using rig = await hostWith(dual);
    const container = await rig.container();
    const prevResult = await rig.add(confOf(rig), container);

    const answers = [
      await rig.cni('VERSION', confOf(rig), ''),
      await rig.cni('STATUS', confOf(rig), ''),
      await rig.cni('CHECK', { ...confOf(rig), prevResult }, container),
    ];

    expect(answers.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(answers[0]?.result).toMatchObject({
      supportedVersions: expect.arrayContaining(['0.1.0', '1.1.0']),
    });
  });

  test.each<[string, string, Conf, number]>([
    ['what the file says', flannels, {}, 1400],
    ['1450 where it says nothing', flannels.replace(/FLANNEL_MTU.*\n/, ''), {}, 1450],
    ['less where the configuration says so', flannels, { mtu: 1300 }, 1300],
    ['the same for 0, which stands for none', flannels, { mtu: 0 }, 1400],
    ['the same for null', flannels, { mtu: null }, 1400],
    ['less in any spelling', flannels, { MTU: 1300 }, 1300],
  ])('the MTU of both ends and of the bridge is %s', async (_, text, changes, mtu) => {
    await using rig = await hostWith(text);
    const container = await rig.container();

    const { interfaces = [] } = await rig.add(confOf(rig, changes), container);

    expect(interfaces.map((each) => each.mtu)).toEqual([mtu, mtu, mtu]);
    const links = [await linkOf(rig.host, 'cni0'), await linkOf(container, 'eth0')];
    expect(links.map((link) => link.mtu)).toEqual([mtu, mtu]);
  });

  test('the configuration has its fields in `delegate`, as for Flannel’s plugin; those beside it come first', async () => {
    await using rig = await hostWith(flannels);
    const container = await rig.container();
    const delegate = { type: 'bridge', bridge: 'br7', hairpinMode: true, isDefaultGateway: true, mtu: 1200 };

    const { interfaces = [] } = await rig.add(confOf(rig, { delegate, mtu: 1300 }), container);

    expect(interfaces[0]).toMatchObject({ name: 'br7', mtu: 1300 });
    const port = await linkOf(rig.host, interfaces[1]?.name ?? '');
    expect(port.linkinfo?.info_slave_data?.hairpin).toBe(true);
  });

  test('masquerade is left to whoever the file says does it, or asked for by the configuration', async () => {
    const text = (masquerades: boolean) => flannels.replace('IPMASQ=true', `IPMASQ=${masquerades}`);
    const found: Record<string, boolean> = {};

    for (const [what, file, changes] of [
      ['the file says that flanneld does', text(true), {}],
      ['the file says that it does not', text(false), {}],
      ['the configuration asks for it', text(true), { ipMasq: true }],
      ['the configuration does not want it', text(false), { ipMasq: false }],
    ] as const) {
      await using rig = await hostWith(file);
      await rig.add(confOf(rig, changes), await rig.container());
      found[what] = (await mustInside(rig.host, 'nft', 'list', 'ruleset')).includes('masquerade');
    }

    expect(Object.values(found)).toEqual([false, true, true, false]);
  });

  test('ipam keeps what the overlay does not decide: directory, routes; and ranges are those of the subnet', async () => {
    await using rig = await hostWith(flannels);
    const ipam = { dataDir: rig.dataDir, routes: [{ dst: '192.0.2.0/24' }], subnet: '10.99.0.0/24' };

    const { routes, ips } = await rig.add(confOf(rig, { ipam }), await rig.container());

    expect(routes).toMatchObject([{ dst: '10.5.0.0/16' }, { dst: '192.0.2.0/24' }, { dst: '0.0.0.0/0' }]);
    expect([ips?.[0]?.address, Object.keys(rig.leases('overlay'))]).toEqual(['10.5.34.2/24', ['10.5.34.2']]);
  });

  test.each<[string, Conf, RegExp]>([
    ['another IPAM plugin', { ipam: { type: 'dhcp' } }, /ipam\.type: .*host-local.*dhcp/],
    ['a delegate that is no bridge', { delegate: { type: 'macvlan' } }, /delegate\.type: .*macvlan/],
    ['a larger MTU than the overlay carries', { mtu: 1401 }, /mtu: .*at most 1400/],
    ['a path that is not absolute', { subnetFile: 'subnet.env' }, /subnetFile: .*absolute/],
  ])('is refused with code 7: %s', async (_, changes, says) => {
    await using rig = await hostWith(flannels);

    const { error } = await rig.cni('ADD', confOf(rig, changes), await rig.container());

    expect(error).toMatchObject({ code: 7, msg: expect.stringMatching(says) });
    expect(await linkNames(rig.host)).toEqual([]);
  });
});

const aBoot = readBootId(realMachine);
const otherBoot = '00000000-0000-4000-8000-000000000000';

/** What the file may be while the host has no subnet, or none that it may use. */
const unusable: Record<string, { readonly text: string | undefined; readonly says: RegExp }> = {
  'there is no file': { text: undefined, says: /subnet\.env does not exist/ },
  'the lease has ended': {
    text: `${flannels}FAIRLEAD_BOOT_ID=${aBoot}\nFAIRLEAD_LEASE_UNTIL=1\n`,
    says: /lease of the subnet has ended/,
  },
  'the file is of another boot': {
    text: `${flannels}FAIRLEAD_BOOT_ID=${otherBoot}\nFAIRLEAD_LEASE_UNTIL=999999999\n`,
    says: /lease of the subnet has ended/,
  },
};

const garbage: Record<string, string> = {
  nothing: '',
  'no text': '\u0000\u0001\u00ff',
  'no subnet': flannels.replace(/FLANNEL_SUBNET.*\n/, ''),
  'a subnet that is none': flannels.replace('10.5.34.1/24', 'nonsense'),
  'a subnet without room': flannels.replace('10.5.34.1/24', '10.5.34.1/31'),
  'no network': flannels.replace(/FLANNEL_NETWORK.*\n/, ''),
  'an MTU that is none': flannels.replace('1400', 'large'),
  'another family': flannels.replace('10.5.34.1/24', 'fd00::1/64'),
};

describe('while the host has no subnet', () => {
  /** A host whose container was attached while it had a subnet. */
  async function hostThatHad(text: string | undefined) {
    const rig = await hostWith(dual);
    const container = await rig.container();
    const prevResult = await rig.add(confOf(rig), container);
    if (text === undefined) rmSync(path(rig));
    else writeFileSync(path(rig), text);
    return { rig, container, conf: confOf(rig), prevResult };
  }

  test.each(Object.entries(unusable))(
    '%s: ADD answers code 11, STATUS 50, and DEL and GC work',
    async (_, { text, says }) => {
      const { rig, container, conf } = await hostThatHad(text);
      await using _rig = rig;
      const other = await rig.container();

      const [add, status] = [await rig.cni('ADD', conf, other), await rig.cni('STATUS', conf, '')];

      expect(add.error).toMatchObject({ code: 11, msg: expect.stringMatching(says) });
      expect(status.error).toMatchObject({ code: 50, msg: expect.stringMatching(says) });
      await expectRemoval({ rig, container, conf });
    },
  );

  test('the file is not understood: ADD answers code 7 naming it, and DEL and GC work', async () => {
    const { rig, container, conf } = await hostThatHad('');
    await using _rig = rig;
    const other = await rig.container();

    for (const [what, text] of Object.entries(garbage)) {
      writeFileSync(path(rig), text);
      const { error } = await rig.cni('ADD', conf, other);
      expect(error, what).toMatchObject({ code: 7, msg: expect.stringContaining('subnet.env') });
    }

    await expectRemoval({ rig, container, conf });
  });

  test('another subnet than before: DEL still releases what was leased of the old one', async () => {
    const { rig, container, conf } = await hostThatHad(flannels.replace('10.5.34.1', '10.5.99.1'));
    await using _rig = rig;
    const next = await rig.add(conf, await rig.container());

    await rig.del(conf, container);

    expect([next.ips?.[0]?.address, Object.keys(rig.leases('overlay'))]).toEqual([
      '10.5.99.2/24',
      ['10.5.99.2'],
    ]);
  });
});

/** GC and then DEL succeed, and link, leases and name are gone. */
async function expectRemoval({ rig, container, conf }: { rig: Rig; container: string; conf: Conf }) {
  const valid = { 'cni.dev/valid-attachments': [{ containerID: container, ifname: 'eth0' }] };
  expect(await rig.cni('GC', { ...conf, ...valid }, '')).toMatchObject({ status: 0, stdout: '' });
  expect(Object.keys(rig.leases('overlay'))).toHaveLength(2);
  await rig.del(conf, container);
  await rig.del(conf, container);
  expect([await linkNames(container), rig.leases('overlay'), registered(rig)]).toEqual([[], {}, []]);
}

describe('with the agent, on two hosts', () => {
  let cluster: Cluster;
  let first: Attached & { readonly result: CniResult };
  let second: Attached;

  beforeAll(async () => {
    cluster = await Cluster.create({ hosts: 2, network: dualNetwork() });
    await Promise.all(cluster.hosts.map((host) => host.startAgent()));
    for (const host of cluster.hosts)
      await until(() => host.subnet().FLANNEL_SUBNET !== undefined, `host ${host.number} to have a subnet`);
    const netns = await cluster.host(1).rig.container();
    const result = await cluster.host(1).rig.add(cluster.host(1).conf(), netns);
    first = {
      netns,
      result,
      addresses: (result.ips ?? []).map(({ address }) => address.replace(/\/.*/, '')),
    };
    second = await cluster.host(2).add();
    await until(() => reaches(first, second), 'the hosts to know each other');
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('the MTU is the underlay’s less what VXLAN over IPv6 puts around a packet', async () => {
    const links = [await linkOf(cluster.host(1).netns, 'cni0'), await linkOf(first.netns, 'eth0')];
    const ping = ['ping', '-c', '1', '-W', '1', '-M', 'do', second.addresses[0] ?? '', '-s'];

    expect(links.map(({ mtu }) => mtu)).toEqual([1430, 1430]);
    expect((await tryInside(first.netns, ...ping, '1402')).status).toBe(0);
    expect((await tryInside(first.netns, ...ping, '1403')).stderr).toContain('mtu=1430');
  });

  test('a container has a route to the whole network, of each family', async () => {
    const routes = [...(await listRoutes(first.netns, 4)), ...(await listRoutes(first.netns, 6))];

    expect(routes.map(({ dst }) => dst)).toEqual(
      expect.arrayContaining(['10.5.0.0/16', 'default', 'fd00:5::/48']),
    );
  });

  test('a server outside sees the host, a container on another host sees the container itself', async () => {
    const outside = await addOutside(cluster.host(1).rig);
    await using _servers = await startSourceServer(outside.netns);
    await using _server = await startSourceServer(second.netns);

    const seen = await Promise.all(
      [outside.v4, outside.v6, ...second.addresses].map((to) => sourceSeenBy(to, first.netns)),
    );

    expect(seen).toEqual([hostOutside.v4, hostOutside.v6, ...first.addresses]);
  });

  test('a container is found by its name on its own host when its ADD has returned', async () => {
    const host = cluster.host(1);
    const { netns, addresses } = await host.add({ registry: { store: host.rig.store, service: 'web' } });

    const found = await host.agent.dig('web.default.svc.fairlead.internal');

    expect(found).toEqual([addresses[0]]);
    expect(await host.agent.dig(`${netns}.overlay.fairlead.internal`, 'AAAA')).toEqual([addresses[1]]);
  });

  test('CHECK misses a VXLAN device that has gone; STATUS is well', async () => {
    const host = cluster.host(1);
    const conf = { ...host.conf(), prevResult: first.result };

    const sound = await host.rig.cni('CHECK', conf, first.netns);
    await host.stopAgent();
    await mustInside(host.netns, 'ip', 'link', 'del', 'flannel.1');
    const damaged = await host.rig.cni('CHECK', conf, first.netns);

    expect([sound.status, damaged.error?.msg]).toEqual([0, expect.stringContaining('flannel.1')]);
    expect((await host.rig.cni('STATUS', host.conf(), '')).status).toBe(0);
  });
});
