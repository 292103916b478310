import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { writeSysctl } from '../support/kernel.ts';
import { mustInside } from '../support/process.ts';
import type { CniResult, Conf, Rig } from '../support/rig.ts';
import { routed4, routed6, routedConf, routedHost } from '../support/routed.ts';

/** An attachment that stands, with all that CHECK looks at. */
type Standing = {
  readonly rig: Rig;
  readonly container: string;
  readonly veth: string;
  readonly conf: Conf & { prevResult: CniResult };
};

async function attach(rig: Rig): Promise<Standing> {
  const container = await rig.container();
  const conf = routedConf(rig, { ipMasq: true });
  const prevResult = await rig.add(conf, container);
  return { rig, container, veth: prevResult.interfaces?.[0]?.name ?? '', conf: { ...conf, prevResult } };
}

const onHost = ({ rig }: Standing, ...words: readonly string[]) => mustInside(rig.host, ...words);
const inContainer = ({ container }: Standing, ...words: readonly string[]) => mustInside(container, ...words);
const setOnHost = ({ rig }: Standing, path: string, value: string) => writeSysctl(rig.host, path, value);

const damages: Record<string, { damage: (standing: Standing) => unknown; says: RegExp }> = {
  'the host end is missing': {
    damage: async (at) => onHost(at, 'ip', 'link', 'set', at.veth, 'netns', await at.rig.container()),
    says: /there is no veth/,
  },
  'the host end is down': {
    damage: (at) => onHost(at, 'ip', 'link', 'set', at.veth, 'down'),
    says: /is down/,
  },
  'the host end is in another link group': {
    damage: (at) => onHost(at, 'ip', 'link', 'set', at.veth, 'group', '0'),
    says: /link group default instead of 76/,
  },
  'proxy ARP is off': {
    damage: (at) => setOnHost(at, `ipv4/conf/${at.veth}/proxy_arp`, '0'),
    says: /proxy_arp is 0/,
  },
  'the host end does not forward': {
    damage: (at) => setOnHost(at, `ipv4/conf/${at.veth}/forwarding`, '0'),
    says: /forwarding is 0/,
  },
  'the reverse path filter is off': {
    damage: (at) => setOnHost(at, `ipv4/conf/${at.veth}/rp_filter`, '0'),
    says: /rp_filter is 0/,
  },
  'router advertisements are taken': {
    damage: (at) => setOnHost(at, `ipv6/conf/${at.veth}/accept_ra`, '2'),
    says: /accept_ra is 2/,
  },
  'the host forwards no IPv6': {
    damage: async (at) => {
      await setOnHost(at, 'ipv6/conf/all/forwarding', '0');
      await setOnHost(at, `ipv6/conf/${at.veth}/forwarding`, '1');
    },
    says: /does not forward IPv6/,
  },
  'the IPv4 route of the host is missing': {
    damage: (at) => onHost(at, 'ip', 'route', 'del', `${routed4.first}/32`),
    says: /no route to 10\.50\.0\.2\/32/,
  },
  'the IPv6 route of the host is missing': {
    damage: (at) => onHost(at, 'ip', '-6', 'route', 'del', `${routed6.first}/128`),
    says: /no route to fd00:50::2\/128/,
  },
  'the gateway is off the loopback interface': {
    damage: (at) => onHost(at, 'ip', 'addr', 'del', '169.254.1.1/32', 'dev', 'lo'),
    says: /lo has lost the gateway address 169\.254\.1\.1/,
  },
  'the container’s address is missing': {
    damage: (at) => inContainer(at, 'ip', 'addr', 'del', `${routed6.first}/128`, 'dev', 'eth0'),
    says: /fd00:50::2/,
  },
  'the container’s way to its gateway is missing': {
    damage: async (at) => {
      await inContainer(at, 'ip', 'route', 'del', '169.254.1.1');
    },
    says: /no route to 169\.254\.1\.1\/32/,
  },
  'the container’s default route is missing': {
    damage: (at) => inContainer(at, 'ip', '-6', 'route', 'del', 'default'),
    says: /::\/0/,
  },
  'the source check is flushed': {
    damage: (at) => onHost(at, 'nft', 'flush', 'chain', 'inet', 'fairlead', 'source_check'),
    says: /source_check .* is missing/,
  },
  'the whole ruleset is flushed': {
    damage: (at) => onHost(at, 'nft', 'flush', 'ruleset'),
    says: /source_check .* is missing/,
  },
  'the masquerade of one family is flushed': {
    damage: async (at) => {
      const text = await onHost(at, 'nft', 'list', 'table', 'inet', 'fairlead');
      const chain = /chain (masq_\w+) \{[^}]*?ip6 saddr/.exec(text)?.[1] ?? 'none';
      await onHost(at, 'nft', 'flush', 'chain', 'inet', 'fairlead', chain);
    },
    says: /masquerade .* is missing/,
  },
  'the leases are missing': {
    damage: ({ rig }) => {
      for (const address of [routed4.first, routed6.first]) rmSync(`${rig.dataDir}/net/${address}`);
    },
    says: /no lease/,
  },
};

test.each(Object.entries(damages))('CHECK finds that %s', async (_, { damage, says }) => {
  await using rig = await routedHost();
  const standing = await attach(rig);
  const sound = await rig.cni('CHECK', standing.conf, standing.container);
  await damage(standing);

  const damaged = await rig.cni('CHECK', standing.conf, standing.container);

  expect([sound.status, sound.stdout]).toEqual([0, '']);
  expect(damaged.error).toMatchObject({ code: 999, msg: expect.stringMatching(says) });
});
