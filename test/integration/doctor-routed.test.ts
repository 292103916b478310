import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Line } from '../../lib/doctor/examine.ts';
import { lineOf, type Report, runDoctor } from '../support/doctor.ts';
import { mustInside, tryInside } from '../support/process.ts';
import { Rig } from '../support/rig.ts';
import { requirePrograms } from '../support/skip.ts';
import { createRig as createApi } from '../unit/api/rig.ts';
import { routedParts } from '../unit/api/routed-fixture.ts';

/** A host with one container of `routed`, an agent that knows the pool of its address, and another host with a block of it. */
class RoutedHost implements AsyncDisposable {
  readonly #rig: Rig;
  readonly #container: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(rig: Rig, container: string, stack: AsyncDisposableStack) {
    this.#rig = rig;
    this.#container = container;
    this.#stack = stack;
  }

  static async create(): Promise<RoutedHost> {
    await using stack = new AsyncDisposableStack();
    const rig = stack.use(await Rig.create());
    const { socket } = stack.use(await createApi(routedParts()));
    const [container, neighbour] = [await rig.container(), await rig.namespace('neighbour')];
    const api = { listen: [`unix:${socket}`] };
    writeFileSync(configOf(rig), JSON.stringify({ api, blocks: {}, routing: { mode: 'bird' } }));
    const script = `container=${container} neighbour=${neighbour}\n${linksOfHost}`;
    await mustInside(rig.host, 'sh', '-ec', script);
    return new RoutedHost(rig, container, stack.move());
  }

  async sh(script: string): Promise<string> {
    return mustInside(this.#rig.host, 'sh', '-ec', script);
  }

  /** Whether the container is answered from the other host's block. */
  async reachesNeighbour(): Promise<boolean> {
    const { status } = await tryInside(this.#container, 'ping', '-c1', '-W1', '10.50.0.193');
    return status === 0;
  }

  async doctor(): Promise<Report> {
    const args = ['--json', '--config', configOf(this.#rig)];
    const { status, stdout, stderr } = await runDoctor(this.#rig, { args });
    return { status, lines: JSON.parse(stdout), stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function configOf({ dir }: Rig): string {
  return `${dir}/agent.json`;
}

/** As the plugin leaves it, and BIRD the way to the other host. */
const linksOfHost = `
ip link set dev lo up
ip addr add 169.254.1.1/32 dev lo scope host
ip link add name veth0a address ee:ee:ee:ee:ee:ee group 76 type veth peer name eth0 netns $container
ip link add name eth0 type veth peer name eth0 netns $neighbour
cd /proc/sys/net/ipv4
echo 1 > ip_forward
for each in proxy_arp forwarding rp_filter; do echo 1 > conf/veth0a/$each; done
for each in rp_filter arp_ignore; do echo 0 > conf/all/$each; done
ip link set dev veth0a up
ip route add 10.50.0.2/32 dev veth0a scope link
ip -n $container addr add 10.50.0.2/32 dev eth0
ip -n $container link set dev eth0 up
ip -n $container route add default via 169.254.1.1 dev eth0 onlink
ip addr add 192.0.2.1/24 dev eth0
ip link set dev eth0 up
ip route add 10.50.0.192/26 via 192.0.2.2 dev eth0 proto 12
ip -n $neighbour addr add 192.0.2.2/24 dev eth0
ip -n $neighbour addr add 10.50.0.193/32 dev eth0
ip -n $neighbour link set dev eth0 up
ip -n $neighbour route add 10.50.0.0/26 via 192.0.2.1
`;

type Breakage = {
  readonly what: string;
  readonly script: string;
  readonly id: string;
  readonly state: Line['state'];
  readonly found: RegExp;
};

const breakages: readonly Breakage[] = [
  {
    what: 'the gateway has no address and no route',
    script: 'ip addr del 169.254.1.1/32 dev lo',
    id: 'endpoints',
    state: 'problem',
    found: /neither the address 169\.254\.1\.1 nor a route/,
  },
  {
    what: 'ARP ignores addresses of lo',
    script: 'echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore',
    id: 'endpoints',
    state: 'problem',
    found: /arp_ignore is 1/,
  },
  {
    what: 'proxy ARP is off',
    script: 'echo 0 > /proc/sys/net/ipv4/conf/veth0a/proxy_arp',
    id: 'endpoints',
    state: 'warning',
    found: /proxy ARP is off on veth0a/,
  },
  {
    what: "a link's forwarding is off",
    script: 'echo 0 > /proc/sys/net/ipv4/conf/veth0a/forwarding',
    id: 'endpoints',
    state: 'problem',
    found: /forwarding of IPv4 is off on veth0a/,
  },
  {
    what: 'sources are not checked',
    script: 'echo 0 > /proc/sys/net/ipv4/conf/veth0a/rp_filter',
    id: 'endpoints',
    state: 'warning',
    found: /not checked on veth0a/,
  },
  {
    what: 'sources are checked loosely on all links',
    script: 'echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter',
    id: 'endpoints',
    state: 'warning',
    found: /all\.rp_filter is 2/,
  },
  {
    what: 'another network has the addresses of a block',
    script:
      'ip link add name docker0 type bridge; ip link set dev docker0 up; ip addr add 10.50.0.65/26 dev docker0',
    id: 'pools',
    state: 'problem',
    found: /the pool main .* overlaps with the network 10\.50\.0\.64\/26 of docker0/,
  },
  {
    what: 'somebody has a blackhole in the pool',
    script: 'ip route add blackhole 10.50.0.128/27',
    id: 'pools',
    state: 'problem',
    found: /10\.50\.0\.128\/27 of the pool main is routed blackhole/,
  },
];

test.for(breakages)(
  '$what: it is found, and the remedy helps when it is run',
  async ({ script, id, state, found }) => {
    await using host = await RoutedHost.create();
    const before = await host.doctor();
    await host.sh(script);

    const line = lineOf(await host.doctor(), id, found);
    await host.sh(lastCommandOf(line));
    const mended = await host.doctor();

    expect(statesOf(before, id)).toEqual(['ok']);
    expect(line.state).toBe(state);
    expect(statesOf(mended, id)).toEqual(['ok']);
  },
);

/** As Docker leaves iptables: what is not its own is dropped. */
const docker = `
iptables-nft -P FORWARD DROP
iptables-nft -N DOCKER-USER
iptables-nft -A FORWARD -j DOCKER-USER
iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
`;

test("what Docker's firewall drops is found, and passes after the remedy", async (context) => {
  await requirePrograms(context, 'iptables-nft', 'iptables');
  await using host = await RoutedHost.create();
  const before = {
    states: statesOf(await host.doctor(), 'forward-drop'),
    isReached: await host.reachesNeighbour(),
  };

  await host.sh(docker);
  const isReachedMeanwhile = await host.reachesNeighbour();
  const found = /chain FORWARD of table ip filter drops what goes from veth\* \(10\.50\.0\.0\/24\) to eth0 /;
  const line = lineOf(await host.doctor(), 'forward-drop', found);
  await host.sh(lastCommandOf(line));

  expect(before).toEqual({ states: ['ok'], isReached: true });
  expect(isReachedMeanwhile).toBe(false);
  expect(line).toMatchObject({ remedy: expect.stringContaining('iptables -I DOCKER-USER -s 10.50.0.0/24') });
  expect(await host.reachesNeighbour()).toBe(true);
  expect(statesOf(await host.doctor(), 'forward-drop')).toEqual(['ok']);
});

test('a neighbour of BIRD that is not there is a problem, as the agent tells', async () => {
  await using host = await RoutedHost.create();

  const line = lineOf(await host.doctor(), 'bgp', /gamma at 192\.0\.2\.3/);

  expect(line.state).toBe('problem');
});

/** A remedy ends with what is typed, behind what is to be known before. */
function lastCommandOf(line: Line): string {
  return 'remedy' in line ? (line.remedy.split(': ').at(-1) ?? '') : '';
}

function statesOf({ lines }: Report, id: string): readonly string[] {
  return lines.filter((line) => line.id === id).map(({ state }) => state);
}
