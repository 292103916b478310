import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reference, requireReference } from '../support/binaries.ts';
import { bridgeConf, dualConf, v4, v6 } from '../support/confs.ts';
import { listChains } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import { type CniResult, type Conf, Rig } from '../support/rig.ts';

/** An attachment that stands, with all that CHECK looks at. */
type Standing = {
  readonly rig: Rig;
  readonly container: string;
  readonly veth: string;
  readonly conf: Conf & { prevResult: CniResult };
};

async function attach(rig: Rig, changes: Conf = {}): Promise<Standing> {
  const container = await rig.container();
  const conf = dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true, ...changes });
  const prevResult = await rig.add(conf, container);
  return { rig, container, veth: prevResult.interfaces?.[1]?.name ?? '', conf: { ...conf, prevResult } };
}

const onHost = ({ rig }: Standing, ...words: readonly string[]) => mustInside(rig.host, ...words);
const inContainer = ({ container }: Standing, ...words: readonly string[]) => mustInside(container, ...words);

async function flushMasquerade({ rig }: Standing, family: 4 | 6): Promise<void> {
  const chains = await listChains(rig.host, 'inet');
  const listings = await Promise.all(
    chains.map(async (chain) => ({
      chain,
      text: await mustInside(rig.host, 'nft', 'list', 'chain', 'inet', 'fairlead', chain),
    })),
  );
  const found = listings.find(({ text }) => text.includes(family === 4 ? v4.subnet : v6.subnet));
  await mustInside(rig.host, 'nft', 'flush', 'chain', 'inet', 'fairlead', found?.chain ?? 'none');
}

const damages: Record<string, { damage: (standing: Standing) => unknown; says: RegExp }> = {
  'the interface is missing': {
    damage: (at) => inContainer(at, 'ip', 'link', 'del', 'eth0'),
    says: /veth|eth0/,
  },
  'the interface has another name': {
    damage: async (at) => {
      await inContainer(at, 'ip', 'link', 'set', 'eth0', 'down');
      await inContainer(at, 'ip', 'link', 'set', 'eth0', 'name', 'eth9');
    },
    says: /eth0.*does not exist/,
  },
  'an IPv4 address is missing': {
    damage: (at) => inContainer(at, 'ip', 'addr', 'del', `${v4.first}/24`, 'dev', 'eth0'),
    says: /10\.22\.0\.2/,
  },
  'an IPv6 address is missing': {
    damage: (at) => inContainer(at, 'ip', 'addr', 'del', `${v6.first}/64`, 'dev', 'eth0'),
    says: /fd00:22::2/,
  },
  'the IPv4 default route is missing': {
    damage: (at) => inContainer(at, 'ip', 'route', 'del', 'default'),
    says: /0\.0\.0\.0\/0/,
  },
  'the IPv6 default route is missing': {
    damage: (at) => inContainer(at, 'ip', '-6', 'route', 'del', 'default'),
    says: /::\/0/,
  },
  'the default route leads elsewhere': {
    damage: (at) => inContainer(at, 'ip', 'route', 'replace', 'default', 'via', '10.22.0.200'),
    says: /0\.0\.0\.0\/0/,
  },
  'the interface is down': {
    damage: (at) => inContainer(at, 'ip', 'link', 'set', 'eth0', 'down'),
    says: /eth0.*down/,
  },
  'the MAC is another': {
    damage: (at) => inContainer(at, 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:99'),
    says: /02:00:00:00:00:99/,
  },
  'the host end is missing': {
    damage: async (at) => onHost(at, 'ip', 'link', 'set', at.veth, 'netns', await at.rig.container()),
    says: /veth/,
  },
  'the host end is down': {
    damage: (at) => onHost(at, 'ip', 'link', 'set', at.veth, 'down'),
    says: /veth.*down/,
  },
  'the port is off the bridge': {
    damage: (at) => onHost(at, 'ip', 'link', 'set', at.veth, 'nomaster'),
    says: /not a port of bridge br0/,
  },
  'the bridge is down': {
    damage: (at) => onHost(at, 'ip', 'link', 'set', 'br0', 'down'),
    says: /br0 is down/,
  },
  'the bridge is missing': { damage: (at) => onHost(at, 'ip', 'link', 'del', 'br0'), says: /no bridge br0/ },
  'the IPv4 masquerade chain is flushed': { damage: (at) => flushMasquerade(at, 4), says: /masquerade/ },
  'the IPv6 masquerade chain is flushed': { damage: (at) => flushMasquerade(at, 6), says: /masquerade/ },
  'the whole ruleset is flushed': {
    damage: (at) => onHost(at, 'nft', 'flush', 'ruleset'),
    says: /masquerade/,
  },
  'the rules of the spoof check are flushed': {
    damage: (at) => onHost(at, 'nft', 'flush', 'chain', 'bridge', 'fairlead', 'from_port'),
    says: /spoof/,
  },
  ...Object.fromEntries(
    ['mac_allowed', 'mac_checked', 'ip4_allowed', 'ip6_allowed', 'ip_checked'].map((set) => [
      `the spoof check's element of ${set} is missing`,
      {
        damage: (at: Standing) => onHost(at, 'nft', 'flush', 'set', 'bridge', 'fairlead', set),
        says: new RegExp(set),
      },
    ]),
  ),
  'a lease is missing': {
    damage: ({ rig }) => {
      for (const address of [v4.first, v6.first]) rmSync(`${rig.dataDir}/net/${address}`);
    },
    says: /no lease/,
  },
  'the leases are of somebody else': {
    damage: ({ rig }) => {
      for (const address of [v4.first, v6.first]) {
        rmSync(`${rig.dataDir}/net/${address}`);
        writeFileSync(`${rig.dataDir}/net/${address}`, 'other\r\neth0');
      }
    },
    says: /no lease/,
  },
};

test.each(Object.entries(damages))('CHECK finds that %s', async (_, { damage, says }) => {
  await using rig = await Rig.create();
  const standing = await attach(rig);
  const sound = await rig.cni('CHECK', standing.conf, standing.container);
  await damage(standing);

  const damaged = await rig.cni('CHECK', standing.conf, standing.container);

  expect([sound.status, sound.stdout]).toEqual([0, '']);
  expect(damaged.status).toBe(1);
  expect(damaged.error).toMatchObject({ cniVersion: '1.1.0', code: 999, msg: expect.stringMatching(says) });
});

test('CHECK finds a port that is not isolated any more', async () => {
  await using rig = await Rig.create();
  const standing = await attach(rig, { portIsolation: true });
  const sound = await rig.cni('CHECK', standing.conf, standing.container);
  await onHost(standing, 'ip', 'link', 'set', standing.veth, 'type', 'bridge_slave', 'isolated', 'off');

  const damaged = await rig.cni('CHECK', standing.conf, standing.container);

  expect([sound.status, damaged.status]).toEqual([0, 1]);
  expect(damaged.error?.msg).toMatch(/isolated/);
});

test('CHECK accepts what a later plugin of the chain has added', async () => {
  await using rig = await Rig.create();
  const { container, conf } = await attach(rig);
  await mustInside(container, 'ip', 'addr', 'add', '192.0.2.7/32', 'dev', 'eth0');
  await mustInside(container, 'ip', 'route', 'add', '198.51.100.0/24', 'via', v4.gateway);
  await mustInside(container, 'ip', 'link', 'set', 'eth0', 'mtu', '1300');
  await mustInside(container, 'ip', 'link', 'set', 'lo', 'up');
  const interfaces = [...(conf.prevResult.interfaces ?? []), { name: 'ifb0', mac: '02:00:00:00:00:77' }];

  const { status, stdout } = await rig.cni(
    'CHECK',
    { ...conf, prevResult: { ...conf.prevResult, interfaces } },
    container,
  );

  expect([status, stdout]).toEqual([0, '']);
});

test.each(['0.4.0', '1.0.0'])('CHECK understands the previous result of %s', async (cniVersion) => {
  await using rig = await Rig.create();
  const { container, conf } = await attach(rig, { cniVersion });

  const { status, stdout } = await rig.cni('CHECK', conf, container);

  expect([status, stdout]).toEqual([0, '']);
});

test('CHECK needs a previous result (7), a namespace that is there (4) and version 0.4.0 (1)', async () => {
  await using rig = await Rig.create();
  const { container, conf } = await attach(rig);
  const { prevResult, ...without } = conf;

  const answers = [
    await rig.cni('CHECK', without, container),
    await rig.cni('CHECK', conf, container, { env: { CNI_NETNS: '/run/netns/fl-tnone' } }),
    await rig.cni(
      'CHECK',
      { ...conf, cniVersion: '0.3.1', prevResult: { ...prevResult, cniVersion: '0.3.1' } },
      container,
    ),
  ];

  expect(answers.map(({ error }) => error?.code)).toEqual([7, 4, 1]);
});

test('CHECK accepts what the reference has attached, and sees when its host end has left the bridge', async (context) => {
  requireReference(context, 'bridge');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, { cniVersion: '1.0.0', ipMasq: true });
  const prevResult = await rig.add(conf, container, reference('bridge'));

  const sound = await rig.cni('CHECK', { ...conf, prevResult }, container);
  await mustInside(rig.host, 'ip', 'link', 'set', 'dev', prevResult.interfaces?.[1]?.name ?? '', 'nomaster');
  const broken = await rig.cni('CHECK', { ...conf, prevResult }, container);

  expect([sound.status, sound.stdout]).toEqual([0, '']);
  expect(broken.error?.msg).toContain('is not a port of bridge');
});
