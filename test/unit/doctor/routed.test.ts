import { describe, expect, test } from 'vitest';
import { endpointsOf } from '../../../lib/doctor/routed/endpoint.ts';
import { judgeBird } from '../../../lib/doctor/routed/judge-bird.ts';
import { judgeEndpoints } from '../../../lib/doctor/routed/judge-endpoints.ts';
import { judgePools, type PoolsEvidence } from '../../../lib/doctor/routed/judge-pools.ts';
import type { EndpointsEvidence, SeenEndpoint } from '../../../lib/doctor/routed/seen-endpoint.ts';
import { parseWays, type SeenWay } from '../../../lib/doctor/routed/seen-ways.ts';
import { formatCidr, networkOf } from '../../../lib/net/cidr.ts';
import type { BgpStatus } from '../../../lib/routing/bgp-status.ts';
import { cidr, link, statesOf, troublesOf } from './fixture.ts';

const endpoint: SeenEndpoint = {
  name: 'veth0a',
  wiring: 'link-local-gateway',
  group: '76',
  families: [4],
  closed: [],
  hasProxyArp: true,
  rpFilter: 1,
  arpIgnore: 0,
};

const well: EndpointsEvidence = {
  isOn: { 4: true, 6: true },
  gateway: { isOwn: true, isCovered: true },
  ofAll: { rpFilter: 0, arpIgnore: 0 },
  endpoints: [endpoint],
};

const judgeWith = (changes: Partial<SeenEndpoint>, others: Partial<EndpointsEvidence> = {}) =>
  judgeEndpoints({ ...well, ...others, endpoints: [{ ...endpoint, ...changes }] });

describe('ends of containers’ own links', () => {
  const links = [
    link('veth0a', { kind: 'veth', group: '76', mac: 'ee:ee:ee:ee:ee:ee' }),
    link('veth0b', { kind: 'veth', group: '77' }),
    link('cali0c', { kind: 'veth', mac: 'ee:ee:ee:ee:ee:ee' }),
    link('dummy0', { kind: 'dummy', group: '76' }),
  ];

  test('are the veths of their groups, with their wiring by their MAC', () => {
    expect(endpointsOf(links).map(({ name, wiring }) => [name, wiring])).toEqual([
      ['veth0a', 'link-local-gateway'],
      ['veth0b', 'subnet-gateway'],
    ]);
  });
});

describe('the links of containers', () => {
  test('are well as the plugin has made them', () => {
    expect(statesOf(judgeEndpoints(well))).toEqual(['ok']);
  });

  test('are nothing to judge where there is no routed network, or none yet', () => {
    expect(statesOf(judgeEndpoints(undefined))).toEqual(['skipped']);
    expect(statesOf(judgeEndpoints({ ...well, endpoints: [] }))).toEqual(['skipped']);
  });

  test('without the address of the gateway and without a route to it have a silent proxy', () => {
    const verdicts = judgeWith({}, { gateway: { isOwn: false, isCovered: false } });

    expect(troublesOf(verdicts)).toEqual([
      expect.stringMatching(
        /^problem: .*169\.254\.1\.1.*silent.* -> ip address replace 169\.254\.1\.1\/32 dev lo/,
      ),
    ]);
  });

  test('do without the address where a route covers it, as long as there is proxy ARP', () => {
    const gateway = { isOwn: false, isCovered: true };

    expect(statesOf(judgeWith({}, { gateway }))).toEqual(['ok']);
    expect(troublesOf(judgeWith({ hasProxyArp: false }, { gateway }))).toEqual([
      expect.stringMatching(
        /^problem: proxy ARP is off on veth0a.*-> sysctl -w net\.ipv4\.conf\.veth0a\.proxy_arp=1$/,
      ),
    ]);
  });

  test('without proxy ARP are a warning while the host has the address itself', () => {
    expect(troublesOf(judgeWith({ hasProxyArp: false }))).toEqual([
      expect.stringMatching(/^warning: proxy ARP is off/),
    ]);
  });

  test.each([
    ['on all links', { ofAll: { rpFilter: 0, arpIgnore: 1 } }, {}, 'net.ipv4.conf.all.arp_ignore=0'],
    ['on one link', {}, { arpIgnore: 2 }, 'net.ipv4.conf.veth0a.arp_ignore=0'],
  ])('get no answer from an address of lo where arp_ignore is set %s', (_, others, changes, remedy) => {
    expect(troublesOf(judgeWith(changes, others))).toEqual([
      expect.stringMatching(new RegExp(`^problem: .*169\\.254\\.1\\.1.*sysctl -w ${remedy}`)),
    ]);
  });

  test('of ptp need no proxy and no check of their sources by rp_filter', () => {
    const ptp = { wiring: 'subnet-gateway', hasProxyArp: false, rpFilter: 0 } as const;

    expect(statesOf(judgeWith(ptp, { gateway: { isOwn: false, isCovered: false } }))).toEqual(['ok']);
  });

  test('whose sources nobody checks, or loosely, are warnings', () => {
    expect(troublesOf(judgeWith({ rpFilter: 0 }))).toEqual([
      expect.stringMatching(
        /^warning: .*not checked on veth0a.*-> sysctl -w net\.ipv4\.conf\.veth0a\.rp_filter=1$/,
      ),
    ]);
    expect(troublesOf(judgeWith({ rpFilter: 2 }))).toEqual([
      expect.stringMatching(/^warning: .*loosely on veth0a/),
    ]);
  });

  test('are checked by the setting for all links, too', () => {
    expect(statesOf(judgeWith({ rpFilter: 0 }, { ofAll: { rpFilter: 1, arpIgnore: 0 } }))).toEqual(['ok']);
  });

  test('cannot be strict where all links are loose: that has to go first', () => {
    expect(troublesOf(judgeWith({}, { ofAll: { rpFilter: 2, arpIgnore: 0 } }))).toEqual([
      expect.stringMatching(/all\.rp_filter=0 && sysctl -w net\.ipv4\.conf\.veth0a\.rp_filter=1/),
    ]);
  });

  test('that are not forwarded from are a problem, by their own switch or by that of the machine', () => {
    expect(troublesOf(judgeWith({ families: [4, 6], closed: [6] }))).toEqual([
      expect.stringMatching(/^problem: forwarding of IPv6 is off on veth0a.*veth0a\.forwarding=1$/),
    ]);
    expect(troublesOf(judgeWith({}, { isOn: { 4: false, 6: false } }))).toEqual([
      expect.stringMatching(/^problem: net\.ipv4\.ip_forward is 0.*sysctl -w net\.ipv4\.ip_forward=1/),
    ]);
  });

  test('that are many are one problem, whose remedy names their group', () => {
    const endpoints = Array.from({ length: 6 }, (_, index) => ({
      ...endpoint,
      name: `veth${index}`,
      closed: [4 as const],
    }));

    expect(troublesOf(judgeEndpoints({ ...well, endpoints }))).toEqual([
      expect.stringMatching(/veth0, veth1, veth2, veth3 and 2 more.*-> for link in .*group 76/),
    ]);
  });
});

const way = (dst: string, changes: Partial<SeenWay> = {}): SeenWay => ({
  dst: cidr(dst),
  kind: 'unicast',
  dev: 'eth0',
  protocol: 3,
  ...changes,
});

const judgeWays = (...ways: readonly SeenWay[]) => judgeHost({ ways });

const judgeHost = (changes: Partial<PoolsEvidence>) =>
  judgePools({
    pools: [{ name: 'main', cidr: cidr('10.50.0.0/16'), blockLength: 26 }],
    endpoints: new Set(['veth0a']),
    links: [link('eth0', { addresses: [cidr('192.0.2.1/24')] })],
    ways: [],
    ...changes,
  } satisfies PoolsEvidence);

describe('routes of the cluster’s addresses', () => {
  test('that the agent, BIRD and the plugin have made are well, and so are those of other networks', () => {
    const verdicts = judgeWays(
      way('10.50.1.0/26', { protocol: 78 }),
      way('10.50.2.0/26', { protocol: 12 }),
      way('10.50.0.0/26', { protocol: 78, kind: 'blackhole', dev: undefined }),
      way('10.50.0.7/32', { dev: 'veth0a' }),
      way('0.0.0.0/0'),
      way('10.0.0.0/8'),
      way('192.0.2.0/24', { protocol: 2 }),
    );

    expect(statesOf(verdicts)).toEqual(['ok']);
  });

  test('that another has made are problems, with interface, protocol and what removes them', () => {
    const verdicts = judgeWays(
      way('10.50.1.0/26', { dev: 'docker0', protocol: 2 }),
      way('10.50.1.7/32', { dev: 'tun0' }),
      way('10.50.2.0/27', { kind: 'blackhole', dev: undefined, protocol: 4 }),
    );

    expect(troublesOf(verdicts)).toEqual([
      expect.stringMatching(
        /^problem: 10\.50\.1\.0\/26 .*main.* to docker0 .*kernel, 2\) -> .*ip -4 route del 10\.50\.1\.0\/26 dev docker0 proto 2$/,
      ),
      expect.stringMatching(/^problem: 10\.50\.1\.7\/32 .* to tun0 .*boot, 3/),
      expect.stringMatching(/routed blackhole .*ip -4 route del blackhole 10\.50\.2\.0\/27 proto 4$/),
    ]);
  });

  test('that are shorter than a block are warnings: every block wins against them', () => {
    expect(statesOf(judgeWays(way('10.50.0.0/16', { dev: 'tun0' })))).toEqual(['warning']);
  });

  test.each(['10.50.7.1/24', '10.50.0.1/16', '10.1.2.3/8'])(
    'of a network on a link, %s, are one problem: the pool has to change',
    (address) => {
      const links = [link('eth1', { addresses: [cidr(address)] })];
      const ways = [way(formatCidr(networkOf(cidr(address))), { dev: 'eth1', protocol: 2 })];

      expect(troublesOf(judgeHost({ links, ways }))).toEqual([
        expect.stringMatching(
          /^problem: the pool main \(10\.50\.0\.0\/16\) overlaps with the network .* of eth1: .* -> change the pool main /,
        ),
      ]);
    },
  );

  test('of a link that is made by software end with what removes its network, of another link not', () => {
    const addresses = [cidr('10.50.7.1/24')];
    const troublesWith = (kind: string) =>
      troublesOf(judgeHost({ links: [link('docker0', { kind, addresses })] })).join();

    expect(troublesWith('bridge')).toMatch(/: ip addr del 10\.50\.7\.1\/24 dev docker0$/);
    expect(troublesWith('')).not.toContain('ip addr del');
  });

  test('are nobody’s for an address alone, as of a container’s gateway', () => {
    const links = [link('veth0a', { addresses: [cidr('10.50.0.1/32')] })];

    expect(statesOf(judgeHost({ links }))).toEqual(['ok']);
  });

  test('are nothing to judge without a pool', () => {
    expect(statesOf(judgePools(undefined))).toEqual(['skipped']);
    expect(statesOf(judgePools({ pools: [], endpoints: new Set(), links: [], ways: [] }))).toEqual([
      'skipped',
    ]);
  });

  test('are read in all tables but the local one, each hop by itself, with the kind that ip has as a number', () => {
    const text = JSON.stringify([
      { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' },
      { type: '6', dst: '10.50.0.0/26', protocol: '78' },
      { dst: '10.50.1.0/26', protocol: '12', nexthops: [{ dev: 'eth0' }, { dev: 'eth1' }], table: '7' },
      { type: '2', dst: '192.0.2.2', dev: 'eth0', table: '255', protocol: '2' },
    ]);

    expect(parseWays(text, 4)).toEqual([
      way('0.0.0.0/0'),
      way('10.50.0.0/26', { kind: 'blackhole', dev: undefined, protocol: 78 }),
      way('10.50.1.0/26', { protocol: 12 }),
      way('10.50.1.0/26', { protocol: 12, dev: 'eth1' }),
    ]);
  });

  test('that lead nowhere have no interface in IPv6 either, where the kernel says lo', () => {
    const text = JSON.stringify([{ type: '6', dst: 'fd00:5::/122', dev: 'lo', protocol: '12' }]);

    expect(parseWays(text, 6)).toEqual([
      way('fd00:5::/122', { kind: 'blackhole', dev: undefined, protocol: 12 }),
    ]);
  });
});

describe('BIRD', () => {
  const neighbour = {
    address: '192.0.2.2',
    name: 'beta',
    asn: 64_512,
    kind: 'mesh',
    state: 'Established',
    since: '12:00',
    learned: [],
  } as const;
  const bgp: BgpStatus = {
    version: '2.0.12',
    asn: 64_512,
    neighbours: [neighbour],
    announced: [],
    problems: [],
  };
  const judge = (changes: Partial<BgpStatus>) =>
    judgeBird({ bgp: { ...bgp, ...changes }, socket: '/run/bird/bird.ctl' });

  test('that answers and has its sessions is well, also without another host', () => {
    expect(statesOf(judge({}))).toEqual(['ok']);
    expect(statesOf(judge({ neighbours: [] }))).toEqual(['ok']);
  });

  test('is nothing to judge where the agent writes the routes', () => {
    expect(statesOf(judgeBird(undefined))).toEqual(['skipped']);
  });

  test('that does not answer is a problem, whatever its neighbours were', () => {
    const { version: _, ...silent } = bgp;

    const verdicts = judgeBird({ bgp: silent, socket: '/run/bird/bird.ctl' });

    expect(troublesOf(verdicts)).toEqual([
      expect.stringMatching(
        /^problem: BIRD does not answer at \/run\/bird\/bird\.ctl.*systemctl enable --now/,
      ),
    ]);
  });

  test('with a session that is down is a problem, which names the host and the last error', () => {
    const down = { ...neighbour, state: 'Active', lastError: 'Socket: Connection refused' };

    expect(troublesOf(judge({ neighbours: [neighbour, down] }))).toEqual([
      expect.stringMatching(
        /^problem: the session with beta at 192\.0\.2\.2 .*Active \(Socket: Connection refused\).*port 179.*birdc -s \/run\/bird\/bird\.ctl show protocols all$/,
      ),
    ]);
  });

  test('of which the agent complains is a warning', () => {
    expect(troublesOf(judge({ problems: ['the configuration is refused'] }))).toEqual([
      expect.stringMatching(/^warning: .*the configuration is refused/),
    ]);
  });
});
