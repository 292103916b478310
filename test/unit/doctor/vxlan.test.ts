import { expect, test } from 'vitest';
import { judgeVxlan, type VxlanEvidence } from '../../../lib/doctor/vxlan/judge-vxlan.ts';
import { parseHolders, parseUdpSockets } from '../../../lib/doctor/vxlan/udp-sockets.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { cni0, eth0, flannel1, link, port, statesOf, troublesOf, vxlanLink } from './fixture.ts';

const well: VxlanEvidence = {
  devices: [flannel1],
  absent: [],
  mode: 'l3',
  subnets: [],
  links: [eth0, cni0, port, flannel1],
  vxlans: [flannel1],
  sockets: [{ family: 4, port: 8472, inode: 11 }],
  seesHolders: true,
};

const down = { ...flannel1, isUp: false };

test('a device that is up with all that it needs is well; without an overlay there is nothing to say', () => {
  expect(statesOf(judgeVxlan(well))).toEqual(['ok']);
  expect(judgeVxlan(undefined)).toEqual([{ state: 'skipped', found: 'no overlay here' }]);
});

test('a device that is down is a problem, with the command that helps', () => {
  const verdicts = judgeVxlan({ ...well, devices: [down], vxlans: [down], sockets: [] });

  expect(troublesOf(verdicts)).toEqual(['problem: flannel.1 is down -> ip link set dev flannel.1 up']);
});

test.each([
  ['a process that is seen', { holder: 'dnsmasq (process 812)' }, true, 'taken by dnsmasq (process 812)'],
  ['one that only root sees', {}, false, 'run it as root'],
  ['something else of the kernel', {}, true, 'something that has no process'],
])('a device that is down because its port is taken by %s', (_, holder, seesHolders, expected) => {
  const sockets = [{ family: 4, port: 8472, inode: 11, ...holder }] as const;

  const verdicts = judgeVxlan({ ...well, devices: [down], vxlans: [down], sockets, seesHolders });

  expect(troublesOf(verdicts)).toEqual([expect.stringContaining(expected)]);
});

test("the kernel's own socket of another device on the port takes it from nobody", () => {
  const other = vxlanLink('vxlan.7', { vxlan: { vni: 7 } });

  const verdicts = judgeVxlan({ ...well, devices: [down], vxlans: [down, other] });

  expect(troublesOf(verdicts)).toEqual(['problem: flannel.1 is down -> ip link set dev flannel.1 up']);
});

test('a socket of IPv4 does not concern a device over IPv6', () => {
  const v6 = vxlanLink('flannel-v6.1', { isUp: false, vxlan: { local: parseAddress('2001:db8::1') } });
  const links = [link('eth0', { addresses: [{ address: v6.vxlan.local ?? fail(), prefixLength: 64 }] })];
  const sockets = [{ family: 4, port: 8472, inode: 11, holder: 'x (process 1)' }] as const;

  const verdicts = judgeVxlan({ ...well, devices: [v6], vxlans: [v6], links, sockets });

  expect(troublesOf(verdicts)).toEqual([expect.stringMatching(/^problem: flannel-v6\.1 is down -> /)]);
});

test('another device on the port with other settings is a problem that names both', () => {
  const cilium = vxlanLink('cilium_vxlan', {
    isUp: false,
    vxlan: { vni: 0, receiving: ['external'], local: undefined },
  });

  const verdicts = judgeVxlan({ ...well, vxlans: [flannel1, cilium] });

  expect(troublesOf(verdicts)).toEqual([
    expect.stringMatching(
      /flannel\.1 and cilium_vxlan have UDP port 8472.*external.*ip link del dev cilium_vxlan/,
    ),
  ]);
});

test.each([
  ['another VNI', { vni: 7 }],
  ['another port and other settings', { port: 4789, receiving: ['gbp'] }],
  ['other settings over the other family', { receiving: ['gbp'], local: parseAddress('2001:db8::1') }],
])('a device beside it with %s is well', (_, vxlan) => {
  expect(statesOf(judgeVxlan({ ...well, vxlans: [flannel1, vxlanLink('vx', { vxlan })] }))).toEqual(['ok']);
});

test.each([
  ['that is down', [{ ...eth0, isUp: false }], /sends over eth0, which is down -> ip link set dev eth0 up/],
  ['that is gone', [link('eth1', { addresses: eth0.addresses })], /sends over eth0, which this host has not/],
  ['without its address', [{ ...eth0, addresses: [] }], /sends from 192\.0\.2\.1, which no interface/],
])('an underlay %s is a problem', (_, links, expected) => {
  expect(troublesOf(judgeVxlan({ ...well, links }))).toEqual([expect.stringMatching(expected)]);
});

test('a device without an address is a problem where hosts route, and none in a stretched network', () => {
  const bare = { ...flannel1, addresses: [] };

  expect(statesOf(judgeVxlan({ ...well, devices: [bare] }))).toEqual(['problem']);
  expect(statesOf(judgeVxlan({ ...well, devices: [bare], mode: 'l2' }))).toEqual(['ok']);
});

test('a device that the subnet file names and the kernel has not is a problem', () => {
  const verdicts = judgeVxlan({ ...well, devices: [], absent: ['flannel.1'], vxlans: [] });

  expect(troublesOf(verdicts)).toEqual([expect.stringContaining('there is no VXLAN device flannel.1')]);
});

test('before there is any device, a program on the usual port is a warning', () => {
  const sockets = [{ family: 4, port: 8472, inode: 11, holder: 'nc (process 5)' }] as const;

  const verdicts = judgeVxlan({ ...well, devices: [], vxlans: [], sockets });

  expect(statesOf(verdicts)).toEqual(['warning', 'skipped']);
  expect(troublesOf(verdicts)[0]).toContain('nc (process 5)');
});

test('the tables of procfs and what ss prints are brought together by the inode', () => {
  const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
11649: 00000000:2118 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4461066 2 000000006c61605e 0
`;
  const ss =
    'UNCONN 0 0 0.0.0.0:8472 0.0.0.0:* users:(("python3",pid=31209,fd=3)) ino:4461066 sk:f cgroup:/ <->\n';

  expect(parseUdpSockets(table, 4)).toEqual([{ family: 4, port: 8472, inode: 4461066 }]);
  expect(parseHolders(ss).get(4461066)).toBe('python3 (process 31209)');
  expect(parseHolders(ss.replace(/users:\S+ /, '')).size).toBe(0);
});

function fail(): never {
  throw new Error('no such address');
}
