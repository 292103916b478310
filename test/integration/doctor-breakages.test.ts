import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Line } from '../../lib/doctor/examine.ts';
import { lineOf, OverlayHost, subnetEnv, troublesOf } from '../support/doctor.ts';
import { inside, mustInside, startBeside } from '../support/process.ts';
import { requirePrograms } from '../support/skip.ts';

/** What is broken on the host, and how the report has it. */
type Breakage = {
  readonly what: string;
  readonly script: string;
  /** Programs beside those that every host of containers has. */
  readonly needs?: readonly string[];
  readonly id: string;
  readonly state: Line['state'];
  readonly found: RegExp;
};

const repaired: readonly Breakage[] = [
  {
    what: "a link's forwarding is off",
    script: 'echo 0 > /proc/sys/net/ipv4/conf/flannel.1/forwarding',
    id: 'forwarding',
    state: 'problem',
    found: /flannel\/1\.forwarding is 0/,
  },
  {
    what: 'reverse-path filtering is strict',
    script: 'echo 1 > /proc/sys/net/ipv4/conf/cni0/rp_filter',
    id: 'forwarding',
    state: 'warning',
    found: /strict on cni0/,
  },
  {
    what: 'a table of nftables drops',
    script: `nft 'add table inet mine; add chain inet mine forwarded { type filter hook forward priority 0; policy drop; }'`,
    id: 'forward-drop',
    state: 'problem',
    found: /chain forwarded of table inet mine drops what goes from cni0 to eth0, answers/,
  },
  {
    what: 'iptables drops as Docker has it',
    script:
      'iptables-nft -P FORWARD DROP; iptables-nft -N DOCKER-USER; iptables-nft -A FORWARD -j DOCKER-USER; iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    needs: ['iptables-nft', 'iptables'],
    id: 'forward-drop',
    state: 'problem',
    found: /chain FORWARD of table ip filter drops/,
  },
  {
    what: 'iptables-legacy drops',
    script: 'iptables-legacy -P FORWARD DROP',
    needs: ['iptables-legacy'],
    id: 'forward-drop',
    state: 'problem',
    found: /chain FORWARD of iptables-legacy drops/,
  },
  {
    what: 'the device is down',
    script: 'ip link set dev flannel.1 down; ip link set dev cni0 down; ip link set dev cni0 up',
    id: 'vxlan',
    state: 'problem',
    found: /^flannel\.1 is down$/,
  },
  {
    what: 'another VXLAN device has the port',
    script: 'ip link add name rival type vxlan id 9 dstport 8472 local 192.0.2.1 gbp',
    id: 'vxlan',
    state: 'problem',
    found: /flannel\.1 and rival have UDP port 8472 .*gbp/,
  },
];

test.for(repaired)(
  '$what: it is found, and the remedy helps when it is run',
  async ({ script, needs = [], id, state, found }, context) => {
    await requirePrograms(context, ...needs);
    await using host = await OverlayHost.create();
    await host.sh(script);

    const broken = await host.doctor();
    const line = lineOf(broken, id, found);
    await host.sh(lastCommandOf(line));
    const mended = await host.doctor();

    expect(line.state).toBe(state);
    expect(broken.status).toBe(state === 'problem' ? 1 : 0);
    expect(mended.lines.filter((each) => each.id === id).map((each) => each.state)).toEqual(['ok']);
  },
);

const found: readonly Breakage[] = [
  {
    what: 'forwarding is off',
    script: 'echo 0 > /proc/sys/net/ipv4/ip_forward',
    id: 'forwarding',
    state: 'problem',
    found: /net\.ipv4\.ip_forward is 0: .*cni0.*flannel\.1/,
  },
  {
    what: 'firewalld rejects at the end',
    script: `nft 'add table inet firewalld; add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }; add rule inet firewalld filter_FORWARD ct state established,related accept; add rule inet firewalld filter_FORWARD reject with icmpx type admin-prohibited'`,
    id: 'forward-drop',
    state: 'problem',
    found: /table inet firewalld drops what goes from cni0 to eth0/,
  },
  {
    what: 'a bridge chain drops frames',
    script: `ip link add name veth2 type veth peer name c2; ip link set dev veth2 master cni0; nft 'add table bridge x; add chain bridge x y { type filter hook forward priority 0; policy drop; }'`,
    id: 'forward-drop',
    state: 'problem',
    found: /chain y of table bridge x/,
  },
  {
    what: 'the underlay is down',
    script: 'ip link set dev eth0 down',
    id: 'vxlan',
    state: 'problem',
    found: /sends over eth0, which is down/,
  },
  {
    what: 'the underlay has lost its address',
    script: 'ip addr del 192.0.2.1/24 dev eth0',
    id: 'vxlan',
    state: 'problem',
    found: /sends from 192\.0\.2\.1, which no interface/,
  },
  {
    what: 'the device has lost its address',
    script: 'ip addr del 10.5.1.0/32 dev flannel.1',
    id: 'vxlan',
    state: 'problem',
    found: /flannel\.1 has no address/,
  },
  {
    what: 'the underlay carries less',
    script: 'ip link set dev eth0 mtu 1400',
    id: 'mtu',
    state: 'problem',
    found: /flannel\.1 has MTU 1450, .*eth0 carries 1400/,
  },
  {
    what: 'a container sends more',
    script: 'ip link add name veth9 mtu 1500 type veth peer name c9; ip link set dev veth9 master cni0',
    id: 'mtu',
    state: 'problem',
    found: /up to 1500 bytes \(1 of 2 on cni0, such as veth9\)/,
  },
  {
    what: 'the route to a peer carries less',
    script: 'ip route add 192.0.2.2/32 dev eth0 mtu lock 1300',
    id: 'path-mtu',
    state: 'problem',
    found: /192\.0\.2\.2 may have 1500 bytes, .*carries 1300/,
  },
  {
    what: 'two bridges have one subnet',
    script: 'ip link add name cni1 type bridge; ip addr add 10.5.1.1/25 dev cni1',
    id: 'duplicates',
    state: 'problem',
    found: /cni0 has 10\.5\.1\.0\/24 and cni1 has 10\.5\.1\.0\/25/,
  },
  {
    what: "another interface has a peer's subnet",
    script: 'ip route add 10.5.2.0/24 dev eth0 metric 50',
    id: 'duplicates',
    state: 'problem',
    found: /10\.5\.2\.0\/24 is another host's .* by eth0/,
  },
  {
    what: 'a route leads into the overlay',
    script: 'ip route add 10.5.9.0/28 dev eth0',
    id: 'duplicates',
    state: 'problem',
    found: /10\.5\.9\.0\/28 by eth0 cuts a part out/,
  },
  {
    what: 'the overlay lies in a wider route',
    script: 'ip route add 10.0.0.0/8 dev eth0',
    id: 'duplicates',
    state: 'warning',
    found: /cuts a part out of 10\.0\.0\.0\/8/,
  },
];

test.for(found)('$what: it is found', async ({ script, id, state, found: expected }) => {
  await using host = await OverlayHost.create();
  await host.sh(script);

  const report = await host.doctor();

  expect(lineOf(report, id, expected)).toMatchObject({ state, remedy: expect.any(String) });
});

test('a program that has the port of a device that is down is named', async () => {
  await using host = await OverlayHost.create();
  await host.sh('ip link set dev flannel.1 down');
  await using _holder = await startBeside('nsenter', inside(host.rig.host, process.execPath, '-e', bindUdp));

  const line = lineOf(await host.doctor(), 'vxlan', /./);

  expect(line.found).toMatch(/^flannel\.1 is down: its UDP port 8472 is taken by .+ \(process \d+\)$/);
});

const bindUdp = `require('node:dgram').createSocket('udp4').bind(8472, () => console.log('ready'))`;

test('a device that has gone with its underlay is missed where the subnet file names it', async () => {
  await using host = await OverlayHost.create();
  writeFileSync(host.subnetFile, `${subnetEnv}FAIRLEAD_DEVICE=flannel.1\n`);
  await host.sh('ip link del dev eth0');

  const report = await host.doctor();

  expect(lineOf(report, 'vxlan', /there is no VXLAN device flannel\.1/).state).toBe('problem');
});

/** Behind the other host, over a link that carries 1300 bytes. */
async function addNarrowWay({ rig, peer }: OverlayHost): Promise<string> {
  const far = await rig.namespace('far');
  await mustInside(
    peer,
    'ip',
    'link',
    'add',
    'far',
    'mtu',
    '1300',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    far,
  );
  await mustInside(peer, 'sh', '-ec', 'ip addr add 198.51.100.1/24 dev far; ip link set dev far up');
  await mustInside(
    far,
    'sh',
    '-ec',
    'ip link set dev eth0 mtu 1300 up; ip addr add 198.51.100.9/24 dev eth0; ip route add default via 198.51.100.1',
  );
  return '198.51.100.9';
}

test('a narrow way to another host is found, by what the router says and by what it does not say', async (context) => {
  await requirePrograms(context, 'ping');
  await using host = await OverlayHost.create();
  const address = await addNarrowWay(host);

  const told = await host.doctor({ args: ['--peer', address] });
  await host.sh('ip route flush cache');
  await mustInside(
    host.peer,
    'nft',
    'add table inet x; add chain inet x y { type filter hook output priority 0; icmp type destination-unreachable drop; }',
  );
  const swallowed = await host.doctor({ args: ['--peer', address] });

  expect(lineOf(told, 'path-mtu', /198/)).toMatchObject({
    state: 'problem',
    found: expect.stringContaining('carries 1300'),
  });
  expect(lineOf(swallowed, 'path-mtu', /198/)).toMatchObject({
    state: 'problem',
    found: expect.stringContaining('swallows what is large'),
  });
});

test('a host that is away is a warning, one without a route a problem', async (context) => {
  await requirePrograms(context, 'ping');
  await using host = await OverlayHost.create();
  await host.sh('ip route add unreachable 203.0.113.0/24');

  const { lines } = await host.doctor({ args: ['--peer', '192.0.2.77', '203.0.113.7'] });

  expect(troublesOf(lines)).toEqual([
    expect.stringMatching(/^path-mtu warning: 192\.0\.2\.77 does not answer/),
    expect.stringMatching(/^path-mtu problem: there is no way to 203\.0\.113\.7/),
  ]);
});

/** Of a remedy, what a shell can run; where there is a choice, the last. */
function lastCommandOf(line: Line): string {
  return 'remedy' in line ? (line.remedy.split(/(?<!&): /).at(-1) ?? '') : '';
}
