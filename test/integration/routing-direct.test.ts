import { describe, expect, test } from 'vitest';
import type { IfName } from '../../lib/net/ifname.ts';
import { createDirectRouter } from '../../lib/routing/direct/router.ts';
import type { OverlayWay } from '../../lib/routing/direct/way.ts';
import type { Router } from '../../lib/routing/router.ts';
import { awaitEcho } from '../support/pinging.ts';
import { must } from '../support/process.ts';
import { address, blockOf, type ClusterHost, pools4, pools6, reachabilityOf } from '../support/routing.ts';
import { RoutingHost } from '../support/routing-host.ts';
import { Underlay } from '../support/underlay.ts';

// Routes between hosts that the agent writes itself, in namespaces.

const members: readonly ClusterHost[] = [1, 2].map((number) => ({
  number,
  blocks: [blockOf(number), blockOf(number, 6)],
}));
const pools = [...pools4, ...pools6];

/** Hosts 1 and 2 on one link, each with a router. */
class Pair implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly hosts: readonly [RoutingHost, RoutingHost];
  readonly routers: readonly [Router, Router];
  readonly log: string[] = [];

  private constructor(hosts: Pair['hosts'], overlayWay: OverlayWay, stack: AsyncDisposableStack) {
    this.hosts = hosts;
    this.#stack = stack;
    const tell = (line: string) => this.log.push(line);
    const log = { info: tell, warn: tell, error: tell };
    const routerOf = ({ own }: RoutingHost) => createDirectRouter({ host: own, overlayWay, log });
    this.routers = [routerOf(hosts[0]), routerOf(hosts[1])];
  }

  static async create(overlayWay: OverlayWay = () => undefined): Promise<Pair> {
    await using stack = new AsyncDisposableStack();
    const underlay = stack.use(await Underlay.create());
    const one = stack.use(await RoutingHost.create(underlay, 1));
    const two = stack.use(await RoutingHost.create(underlay, 2));
    return new Pair([one, two], overlayWay, stack.move());
  }

  /** Has both follow the cluster. @returns what stands in the way on either */
  async follow(hosts: readonly ClusterHost[] = members): Promise<readonly string[]> {
    const [one, two] = this.routers;
    return [
      ...(await one.apply(reachabilityOf(1, hosts, pools))),
      ...(await two.apply(reachabilityOf(2, hosts, pools))),
    ];
  }

  /** What the first host has of ours. */
  async routes(): Promise<readonly string[]> {
    const [one] = this.hosts;
    const lines = `${await one.ip('-4 route show proto 78')}${await one.ip('-6 route show proto 78')}`;
    return lines.split('\n').flatMap((line) => (line === '' ? [] : line.trim()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

const expected = [
  'blackhole 10.50.1.0/26',
  '10.50.2.0/26 via 192.0.2.2 dev eth0',
  'blackhole fd00:50::100/122 dev lo metric 1024 pref medium',
  'fd00:50::200/122 via 2001:db8:5::2 dev eth0 metric 1024 pref medium',
];

test('containers of two hosts on a link reach each other in both families', async () => {
  await using pair = await Pair.create();
  const [one, two] = pair.hosts;

  expect(await pair.follow()).toEqual([]);

  expect(await pair.routes()).toEqual(expected);
  const [near, near6] = [await one.container('10.50.1.5'), await one.container('fd00:50::105')];
  await two.container('10.50.2.5');
  await two.container('fd00:50::205');
  await awaitEcho(near, '10.50.2.5');
  await awaitEcho(near6, 'fd00:50::205');
  expect(pair.routers[0].status()).toMatchObject({
    mode: 'direct',
    announced: ['10.50.1.0/26', 'fd00:50::100/122'],
    routes: [
      {
        dst: '10.50.2.0/26',
        host: 'node-2',
        via: '192.0.2.2',
        dev: 'eth0',
        way: 'direct',
        isInstalled: true,
      },
      { dst: 'fd00:50::200/122', host: 'node-2', via: '2001:db8:5::2', way: 'direct', isInstalled: true },
    ],
    drift: { repairs: 0 },
    problems: [],
  });
});

test('a borrowed address is reached where it is, by its block’s host, too, and is dropped there without a container', async () => {
  await using pair = await Pair.create();
  const lending = members.map((host) =>
    host.number === 2 ? { ...host, lent: { '10.50.2.7': 1, 'fd00:50::207': 1 } } : host,
  );
  const [one, two] = pair.hosts;
  await pair.follow(lending);
  expect(await one.ip('route get 10.50.2.7').catch(String)).toContain('Invalid argument');

  await one.container('10.50.2.7');
  await one.container('fd00:50::207');
  const [owner, owner6] = [await two.container('10.50.2.5'), await two.container('fd00:50::205')];

  await awaitEcho(owner, '10.50.2.7');
  await awaitEcho(owner6, 'fd00:50::207');
  expect(await pair.follow(lending)).toEqual([]);
  expect(pair.routers[0].status().drift.repairs).toBe(0);
});

test('where nothing is to be done it takes three processes, and what is not wished any more goes', async () => {
  await using pair = await Pair.create();
  await pair.follow();
  const before = pair.hosts[0].processes;

  await pair.follow();
  const { processes } = pair.hosts[0];
  await pair.follow([]);

  expect(processes - before).toBe(3);
  expect(await pair.routes()).toEqual([]);
});

describe('what others do to the routes', () => {
  test.each([
    'route del 10.50.2.0/26',
    'route del blackhole 10.50.1.0/26',
    'route del fd00:50::200/122',
    'route replace 10.50.2.0/26 via 192.0.2.77 dev eth0 proto 78',
    'route add 10.50.9.0/26 via 192.0.2.77 dev eth0 proto 78',
    'route add blackhole fd00:50::900/122 proto 78',
  ])('is repaired, and counted: ip %s', async (line) => {
    await using pair = await Pair.create();
    await pair.follow();
    await pair.hosts[0].ip(line);

    expect(await pair.follow()).toEqual([]);

    expect(await pair.routes()).toEqual(expected);
    expect(pair.routers[0].status().drift.repairs).toBe(1);
    expect(pair.log.join()).toContain('the kernel was not as it had been left');
  });

  test.each([
    ['10.50.2.0/26', 'route add 10.50.2.0/26 dev eth0 proto static', 'dev eth0, protocol 4'],
    [
      '10.50.2.0/26',
      'route add unreachable 10.50.2.0/26 proto 12 metric 32',
      'leads nowhere, protocol 12 (BIRD)',
    ],
    ['10.50.1.0/26', 'route add 10.50.1.0/26 dev eth0 proto static', 'dev eth0, protocol 4'],
    ['fd00:50::200/122', 'route add fd00:50::200/122 dev eth0 metric 7', 'dev eth0, protocol 3'],
  ])('a route to %s that is theirs stays, and is named: ip %s', async (dst, line, named) => {
    await using pair = await Pair.create();
    await pair.hosts[0].ip(line);

    const problems = await pair.follow();
    const while_ = await pair.routes();
    await pair.hosts[0].ip(line.replace('add', 'del'));

    expect(problems).toEqual([expect.stringContaining(named)]);
    expect(while_.some((route) => route.includes(`${dst} `))).toBe(false);
    expect(await pair.follow()).toEqual([]);
    expect(await pair.routes()).toEqual(expected);
  });
});

test('a block that overlaps with a network on a link gets no route, and its own host no blackhole', async () => {
  await using pair = await Pair.create();
  const [one] = pair.hosts;
  for (const network of ['10.50.1.99/24', '10.50.2.9/27']) await one.ip(`addr add ${network} dev eth0`);

  const problems = await pair.follow();

  expect(problems).toEqual([
    expect.stringContaining('no way is made to 10.50.1.0/26: 10.50.1.0/24 is the network of eth0'),
    expect.stringContaining('no way is made to 10.50.2.0/26: 10.50.2.0/27 is the network of eth0'),
  ]);
  expect(await pair.routes()).toEqual(expected.slice(2));
  expect(pair.routers[0].status().announced).toEqual(['fd00:50::100/122']);
});

test('a container here that has the address of another host is named by its link', async () => {
  await using pair = await Pair.create();
  const [one] = pair.hosts;
  await one.container('10.50.2.7');
  await one.ip('link set dev veth11 group 76 alias fairlead/net/c1/eth0');

  const problems = await pair.follow([
    { number: 1 },
    { number: 2, lent: { '10.50.2.7': 3 } },
    { number: 3, blocks: [] },
  ]);

  expect(problems.join()).toContain('10.50.2.7/32 is taken');
  expect(problems.join()).toContain('leads to the container fairlead/net/c1/eth0 on this host');
});

test('hosts behind a router are reached over the overlay, in both families', async () => {
  const far = members.map((host) => ({
    ...host,
    addresses: [`198.51.100.${host.number}`, `2001:db8:77::${host.number}`],
  }));
  await using pair = await Pair.create((node, family) => ({
    device: 'vxlan7' as IfName,
    gateway: address(family === 4 ? `10.5.${node.slice(-1)}.0` : `fd00:5:0:${node.slice(-1)}::`),
  }));
  for (const [index, { netns }] of pair.hosts.entries()) await addVxlan(netns, index + 1);

  expect(await pair.follow(far)).toEqual([]);

  const near = await pair.hosts[0].container('10.50.1.5');
  const near6 = await pair.hosts[0].container('fd00:50::105');
  await pair.hosts[1].container('10.50.2.5');
  await pair.hosts[1].container('fd00:50::205');
  await awaitEcho(near, '10.50.2.5');
  await awaitEcho(near6, 'fd00:50::205');
  expect(pair.routers[0].status().routes.map(({ way, dev }) => `${way} ${dev}`)).toEqual([
    'vxlan vxlan7',
    'vxlan vxlan7',
  ]);
  expect(await pair.follow(far)).toEqual([]);
  expect(pair.routers[0].status().drift.repairs).toBe(0);
});

/** A VXLAN device of the kind that the overlay has, to the other of two hosts. */
async function addVxlan(netns: string, number: number): Promise<void> {
  const other = 3 - number;
  const lines = [
    `link add name vxlan7 address 02:00:00:00:00:0${number} type vxlan id 7 dev eth0 local 192.0.2.${number} dstport 8472 nolearning`,
    'link set dev vxlan7 up',
    `addr add 10.5.${number}.0/32 dev vxlan7`,
    `addr add fd00:5:0:${number}::/128 dev vxlan7 nodad`,
    `neigh replace 10.5.${other}.0 lladdr 02:00:00:00:00:0${other} nud permanent dev vxlan7`,
    `neigh replace fd00:5:0:${other}:: lladdr 02:00:00:00:00:0${other} nud permanent dev vxlan7`,
  ];
  await must('ip', ['-n', netns, '-batch', '-'], `${lines.join('\n')}\n`);
  const entry = [`02:00:00:00:00:0${other}`, 'dev', 'vxlan7', 'dst', `192.0.2.${other}`];
  await must('bridge', ['-n', netns, 'fdb', 'replace', ...entry, 'self', 'permanent']);
}
