import { describe, expect, test } from 'vitest';
import type { TableRoute } from '../../../lib/iproute/parse-routes.ts';
import { parseTableRoutes } from '../../../lib/iproute/parse-routes.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { groupSteps, toBatch } from '../../../lib/plan/batch.ts';
import type { Plan } from '../../../lib/plan/operation.ts';
import { renderBatch } from '../../../lib/plan/render.ts';
import { planDirect } from '../../../lib/routing/direct/plan.ts';
import { directAnnounced } from '../../../lib/routing/direct/status.ts';
import type { OverlayWay } from '../../../lib/routing/direct/way.ts';
import { directWish } from '../../../lib/routing/direct/wish.ts';
import { wantedOf } from '../../../lib/routing/wanted.ts';
import { address, type ClusterHost, cidr, reachabilityOf } from '../../support/routing.ts';

const eth0 = 'eth0' as IfName;
const attached = [
  { link: 'lo' as IfName, network: cidr('127.0.0.1/8') },
  { link: 'wide0' as IfName, network: cidr('192.0.0.1/16') },
  { link: eth0, network: cidr('192.0.2.1/24') },
];
const noOverlay: OverlayWay = () => undefined;

/** What host 1 wishes. */
function wishOf(hosts: readonly ClusterHost[], overlayWay: OverlayWay = noOverlay) {
  const reachability = reachabilityOf(1, hosts);
  return directWish(wantedOf(reachability), reachability.own, { attached, overlayWay });
}

function linesOf(
  hosts: readonly ClusterHost[],
  table: readonly TableRoute[],
  overlayWay?: OverlayWay,
): readonly string[] {
  return linesOfPlan(planDirect(wishOf(hosts, overlayWay).routes, kernelWith(table)).plan);
}

/** @param containers the aliases of containers' links, by name */
function kernelWith(routes: readonly TableRoute[], containers: Readonly<Record<string, string>> = {}) {
  return { routes, containers: new Map(Object.entries(containers)) };
}

/** The lines that `ip` gets. */
function linesOfPlan(plan: Plan): readonly string[] {
  return groupSteps(plan).flatMap((group) => renderBatch(toBatch(group)));
}

test('a host on a link has a route by the narrowest network that has it, and the own block a blackhole', () => {
  const lines = linesOf([{ number: 1 }, { number: 2 }], []);

  expect(lines).toContain('route replace 10.50.2.0/26 via 192.0.2.2 dev eth0 proto 78');
  expect(lines).toContain('route add blackhole 10.50.1.0/26 proto 78');
});

test('the blackhole of a borrowed address comes after its container’s route, which is no contradiction', () => {
  const hosts = [
    { number: 1, blocks: [] },
    { number: 2, lent: { '10.50.2.7': 1 } },
  ];
  const container = { dst: '10.50.2.7', dev: 'veth1', scope: '253' };

  const { plan, problems } = planDirect(
    wishOf(hosts).routes,
    kernelWith(parseTableRoutes(JSON.stringify([container]), 4)),
  );

  expect(linesOfPlan(plan)).toContain('route add blackhole 10.50.2.7/32 metric 1000000 proto 78');
  expect(problems).toEqual([]);
});

test('a host on no link is reached over the overlay', () => {
  const far = { number: 2, addresses: ['198.51.100.2'] };
  const overlay: OverlayWay = () => ({ device: 'flannel.1' as IfName, gateway: address('10.5.2.0') });

  const lines = linesOf([{ number: 1 }, far], [], overlay);

  expect(lines).toContain('route replace 10.50.2.0/26 via 10.5.2.0 dev flannel.1 onlink proto 78');
});

test('each host to which there is no way is told of once', () => {
  const far = { number: 2, addresses: ['198.51.100.2'], blocks: ['10.50.2.0/26', '10.50.3.0/26'] };
  const mute = { number: 4, addresses: ['2001:db8:5::4'] };
  const twin = { number: 5, addresses: ['192.0.2.1'] };

  const { problems, led } = wishOf([{ number: 1 }, far, mute, twin]);

  expect(problems).toEqual([
    expect.stringContaining('no way to the host node-2, which has 10.50.2.0/26: 198.51.100.2 is on no link'),
    expect.stringContaining('its host node-4 has told no IPv4 address'),
    expect.stringContaining("node-5, which has 10.50.5.0/26, has this host's own address 192.0.2.1"),
  ]);
  expect(led.filter(({ way }) => way === undefined)).toHaveLength(4);
});

describe('a table', () => {
  const hosts = [{ number: 1 }, { number: 2 }];
  const own = [
    { dst: '10.50.2.0/26', gateway: '192.0.2.2', dev: 'eth0', protocol: '78', flags: [] },
    { type: '6', dst: '10.50.1.0/26', protocol: '78', flags: [] },
  ];
  const tableOf = (...routes: readonly object[]) => parseTableRoutes(JSON.stringify(routes), 4);

  test('that is as wished is left alone', () => {
    expect(planDirect(wishOf(hosts).routes, kernelWith(tableOf(...own)))).toEqual({ plan: [], problems: [] });
  });

  test('with routes of ours that nobody wishes loses them', () => {
    const stale = { dst: '10.50.9.0/26', gateway: '192.0.2.9', dev: 'eth0', protocol: '78', flags: [] };

    expect(linesOf(hosts, tableOf(...own, stale, { ...own[1], dst: '10.50.8.0/26' }))).toEqual([
      'route del 10.50.9.0/26 via 192.0.2.9 dev eth0 proto 78',
      'route del blackhole 10.50.8.0/26 proto 78',
    ]);
  });

  test('with a blackhole where a route is wished loses it first', () => {
    const lines = linesOf(hosts, tableOf({ ...own[1], dst: '10.50.2.0/26' }, { ...own[1] }));

    expect(lines).toEqual([
      'route del blackhole 10.50.2.0/26 proto 78',
      'route replace 10.50.2.0/26 via 192.0.2.2 dev eth0 proto 78',
    ]);
  });

  test.each([
    [
      'another’s gateway',
      { dst: '10.50.2.0/26', gateway: '192.0.2.8', dev: 'eth1', protocol: '4' },
      'via 192.0.2.8 dev eth1, protocol 4 (an administrator)',
    ],
    [
      'an interface of no name we know',
      { dst: '10.50.2.0/26', dev: 'a b', protocol: '78' },
      'dev a b, protocol 78',
    ],
    [
      'two gateways',
      {
        dst: '10.50.2.0/26',
        protocol: '186',
        nexthops: [
          { gateway: '192.0.2.8', dev: 'eth0' },
          { gateway: '192.0.2.9', dev: 'eth1' },
        ],
      },
      'by eth0 and eth1, protocol 186 (FRR)',
    ],
    ['nothing', { type: '7', dst: '10.50.2.0/26', protocol: '99' }, 'which leads nowhere, protocol 99:'],
  ])('where somebody’s route leads to %s keeps it, and says so', (_, route, named) => {
    const { plan, problems } = planDirect(wishOf(hosts).routes, kernelWith(tableOf(route)));

    expect(problems).toEqual([expect.stringContaining(named)]);
    expect(linesOfPlan(plan)).toEqual(['route add blackhole 10.50.1.0/26 proto 78']);
  });

  test.each([
    ['fairlead/net/c1/eth0', 'dev veth7 leads to the container fairlead/net/c1/eth0 on this host'],
    ['', 'dev veth7 leads to a container on this host'],
  ])('where a container here has the address of another host names it by its link: "%s"', (alias, named) => {
    const lending = [{ number: 1 }, { number: 2, lent: { '10.50.2.7': 3 } }, { number: 3 }];
    const stale = { dst: '10.50.2.7', dev: 'veth7', scope: '253' };

    const { problems } = planDirect(
      wishOf(lending).routes,
      kernelWith(tableOf(...own, stale), { veth7: alias }),
    );

    expect(problems).toEqual([expect.stringContaining(named)]);
    expect(problems.join()).not.toContain('ip route del');
  });

  test('where somebody’s route came beside ours keeps both', () => {
    const theirs = { dst: '10.50.2.0/26', dev: 'eth1', protocol: '4', metric: 5 };

    const { plan, problems } = planDirect(wishOf(hosts).routes, kernelWith(tableOf(...own, theirs)));

    expect(plan).toEqual([]);
    expect(problems).toHaveLength(1);
  });
});

describe('what a host announces', () => {
  const own = [cidr('10.50.1.0/26'), cidr('10.50.2.7/32')];
  const blackhole = (dst: string, protocol: string) => ({ type: '6', dst, protocol });

  test('is what its kernel has our blackhole for', () => {
    const text = JSON.stringify([blackhole('10.50.1.0/26', '78'), blackhole('10.50.2.7', '4')]);

    expect(directAnnounced(own, parseTableRoutes(text, 4))).toEqual(['10.50.1.0/26']);
  });
});

describe('what ip prints of routes', () => {
  test('a default route, hosts without a length, and gateways of another family are understood', () => {
    const text = JSON.stringify([
      { dst: 'default', gateway: '192.0.2.254', dev: 'eth0', protocol: '16', metric: 100 },
      { dst: '10.50.2.7', dev: 'veth1', scope: '253' },
      { dst: '10.60.0.0/26', via: { family: 'inet6', host: 'fe80::1' }, dev: 'eth0', protocol: '12' },
      { type: 'multicast', dst: 'ff00::/8', dev: 'eth0' },
      { dst: 'nonsense', dev: 'eth0' },
    ]);

    const routes = parseTableRoutes(text, 4);

    expect(routes.map(({ dst, type, protocol }) => `${formatCidr(dst)} ${type} ${protocol}`)).toEqual([
      '0.0.0.0/0 unicast 16',
      '10.50.2.7/32 unicast 3',
      '10.60.0.0/26 unicast 12',
      'ff00::/8 other 3',
    ]);
    expect(routes[2]?.hops[0]?.via).toEqual(address('fe80::1'));
  });

  test('nothing is no routes', () => {
    expect(parseTableRoutes('', 6)).toEqual([]);
  });
});
