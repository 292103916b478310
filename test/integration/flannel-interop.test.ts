import { describe, expect, test } from 'vitest';
import {
  type Attached,
  Cluster,
  dualNetwork,
  type Host,
  overlayPrefix,
  reaches,
} from '../support/cluster.ts';
import { Flanneld, requireFlanneld } from '../support/flanneld.ts';
import { inside, mustInside, startBeside, tryInside } from '../support/process.ts';
import { until } from '../support/until.ts';

const direct = { Backend: { Type: 'vxlan', DirectRouting: true } };
const plain = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };
const otherNumbers = { Network: '10.5.0.0/20', SubnetLen: 26, SubnetMin: '10.5.8.0' };

/** What an overlay can be, and how many addresses its containers have. */
const networks = [
  { title: 'IPv4', network: plain, addresses: 1 },
  { title: 'DirectRouting', network: { ...plain, ...direct }, addresses: 1 },
  { title: 'dual stack', network: dualNetwork(), addresses: 2 },
  { title: 'dual stack, DirectRouting', network: dualNetwork(direct), addresses: 2 },
  {
    title: 'SubnetLen 26, VNI 42, port 4789',
    network: { ...otherNumbers, Backend: { Type: 'vxlan', VNI: 42, Port: 4789 } },
    addresses: 1,
  },
];

describe('flanneld alone, as a measure of what follows', () => {
  test.for(networks)('$title: containers of two hosts reach each other', async ({ network }, context) => {
    requireFlanneld(context);
    await using cluster = await Cluster.create({ hosts: 2, network });
    await using one = await Flanneld.start(cluster.host(1));
    await using two = await Flanneld.start(cluster.host(2));

    await reachEachOther(await one.add(), await two.add());
  });
});

describe('our plugin over the subnet.env of flanneld', () => {
  test('containers of both kinds reach each other, on one host and on two', async (context) => {
    requireFlanneld(context);
    await using cluster = await Cluster.create({ hosts: 2, network: dualNetwork() });
    await using _one = await Flanneld.start(cluster.host(1));
    await using two = await Flanneld.start(cluster.host(2));

    const [ours, neighbour] = [await cluster.host(1).add(), await cluster.host(1).add()];
    const theirs = await two.add();

    await reachEachOther(ours, neighbour);
    await reachEachOther(ours, theirs);
  });
});

describe('one host with our agent, one with flanneld', () => {
  test.for(networks)('$title: their containers reach each other', async ({ network, addresses }, context) => {
    await using mixed = await createMixed(context, network);

    expect(mixed.ours.addresses).toHaveLength(addresses);
    await reachEachOther(mixed.ours, mixed.theirs);
  });

  test('with DirectRouting neither sends VXLAN', async (context) => {
    await using mixed = await createMixed(context, dualNetwork(direct));
    const { host, peer } = mixed;

    await reachEachOther(mixed.ours, mixed.theirs);

    expect(await wayTo(host, mixed.theirs)).toEqual([
      `${peer.address} dev eth0`,
      `${peer.address6} dev eth0`,
    ]);
    expect(await wayTo(peer, mixed.ours)).toEqual([`${host.address} dev eth0`, `${host.address6} dev eth0`]);
  });

  test('a packet as large as the overlay carries goes whole, both ways', async (context) => {
    await using mixed = await createMixed(context, plain);
    const { ours, theirs } = mixed;

    for (const [from, to] of [
      [ours, theirs],
      [theirs, ours],
    ] as const) {
      expect(await pingWhole(from, to, { bytes: 1450 })).toBe(true);
      expect(await pingWhole(from, to, { bytes: 1451 })).toBe(false);
    }
  });

  test('each survives that the other is killed and started again, without losing a packet', async (context) => {
    await using mixed = await createMixed(context, dualNetwork());
    const { host, flanneld } = mixed;
    await reachEachOther(mixed.ours, mixed.theirs);
    const before = await mixed.cluster.leases();

    await using pinging = await startPinging(mixed.theirs, mixed.ours);
    await host.stopAgent('SIGKILL');
    await host.startAgent();
    await flanneld.restart();

    expect(await pinging.lost()).toBe(0);
    await reachEachOther(mixed.ours, mixed.theirs);
    await reachEachOther(await host.add(), await flanneld.add());
    expect(await mixed.cluster.leases()).toEqual(before);
  });

  test('a host that joins later is reached by both', async (context) => {
    await using mixed = await createMixed(context, dualNetwork(), { hosts: 3 });
    const third = mixed.cluster.host(3);

    await third.join();
    const late = await third.add();

    await reachEachOther(late, mixed.ours);
    await reachEachOther(late, mixed.theirs);
  });
});

describe('a host that goes', () => {
  test('is forgotten by our agent as by flanneld when its lease has ended', async (context) => {
    await using mixed = await createMixed(context, dualNetwork(), { hosts: 3 });
    const { cluster, host, peer } = mixed;
    await using third = await Flanneld.start(cluster.host(3));
    const gone = await third.add();
    await reachEachOther(gone, mixed.ours);
    await reachEachOther(gone, mixed.theirs);

    await third.stop('SIGKILL');
    await cluster.etcd.etcdctl('del', `${overlayPrefix}/subnets/${await leaseOf(cluster, cluster.host(3))}`);

    await until(() => isUnroutable(host, gone), 'our agent to forget it');
    await until(() => isUnroutable(peer, gone), 'flanneld to forget it');
    await reachEachOther(mixed.ours, mixed.theirs);
  });
});

describe('a host that changes', () => {
  test('from flanneld to our agent: it keeps subnet and containers, and the others follow', async (context) => {
    requireFlanneld(context);
    await using cluster = await Cluster.create({ hosts: 2, network: dualNetwork() });
    const host = cluster.host(1);
    await using before = await Flanneld.start(host);
    await using other = await Flanneld.start(cluster.host(2));
    const [own, theirs] = [await before.add(), await other.add()];
    await reachEachOther(own, theirs);
    const subnet = host.subnet().FLANNEL_SUBNET;

    await before.stop();
    await host.startAgent();
    await until(() => host.subnet().FAIRLEAD_MODE !== undefined, 'subnet.env to be the agent’s');

    expect(host.subnet().FLANNEL_SUBNET).toBe(subnet);
    expect(Object.keys(await cluster.leases())).toHaveLength(2);
    await reachEachOther(own, theirs);
  });

  test('from our agent to flanneld: likewise', async (context) => {
    await using mixed = await createMixed(context, dualNetwork());
    await reachEachOther(mixed.ours, mixed.theirs);
    const subnet = mixed.host.subnet().FLANNEL_SUBNET;

    await mixed.host.stopAgent();
    await using _after = await Flanneld.start(mixed.host);

    expect(mixed.host.subnet().FLANNEL_SUBNET).toBe(subnet);
    expect(Object.keys(await mixed.cluster.leases())).toHaveLength(2);
    await reachEachOther(mixed.ours, mixed.theirs);
  });
});

/** A cluster whose first host has our agent, and the second one flanneld; each has a container. */
type Mixed = AsyncDisposable & {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly peer: Host;
  readonly flanneld: Flanneld;
  readonly ours: Attached;
  readonly theirs: Attached;
};

async function createMixed(
  context: Parameters<typeof requireFlanneld>[0],
  network: object,
  { hosts = 2 }: { hosts?: number } = {},
): Promise<Mixed> {
  requireFlanneld(context);
  await using parts = new AsyncDisposableStack();
  const cluster = parts.use(await Cluster.create({ hosts, network }));
  const [host, peer] = [cluster.host(1), cluster.host(2)];
  const flanneld = parts.use(await Flanneld.start(peer));
  await host.join();
  const [ours, theirs] = [await host.add(), await flanneld.add()];
  const made = parts.move();
  return { cluster, host, peer, flanneld, ours, theirs, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** An IPv6 address that flanneld or the reference gives is tentative at first: it is tried until it answers. */
async function reachEachOther(one: Attached, two: Attached): Promise<void> {
  const ends = `${one.addresses} and ${two.addresses}`;
  await until(() => reaches(one, two), `an echo between ${ends}`);
  await until(() => reaches(two, one), `an echo back between ${ends}`);
}

/** The next hop and device by which a host sends to each address of a container. */
async function wayTo(from: Host, to: Attached): Promise<readonly string[]> {
  const texts = await Promise.all(
    to.addresses.map((each) => mustInside(from.netns, 'ip', 'route', 'get', each)),
  );
  return texts.map((text) => /via (\S+ dev \S+)/.exec(text)?.[1] ?? text);
}

/** Whether the kernel of a host knows no way to any address of a container. */
async function isUnroutable(from: Host, to: Attached): Promise<boolean> {
  const ways = await Promise.all(
    to.addresses.map((each) => tryInside(from.netns, 'ip', 'route', 'get', each)),
  );
  return ways.every(({ status }) => status !== 0);
}

/** The last part of the key of a host's lease. */
async function leaseOf(cluster: Cluster, host: Host): Promise<string> {
  const leases = Object.entries(await cluster.leases());
  const [name] = leases.find(([, { PublicIP }]) => PublicIP === host.address) ?? [];
  if (name === undefined) throw new Error(`host ${host.number} has no lease`);
  return name;
}

/** Whether a packet of so many bytes arrives without being fragmented. */
async function pingWhole(from: Attached, to: Attached, { bytes }: { bytes: number }): Promise<boolean> {
  const args = ['-c', '1', '-W', '1', '-M', 'do', '-s', `${bytes - 28}`, to.addresses[0] ?? ''];
  return (await tryInside(from.netns, 'ping', ...args)).status === 0;
}

type Pinging = AsyncDisposable & { readonly lost: () => Promise<number> };

/** Sends echo requests for five seconds. */
async function startPinging(from: Attached, to: Attached): Promise<Pinging> {
  const script = 'echo ready; exec ping -c 100 -i 0.05 -W 1 "$1"';
  const ping = await startBeside(
    'nsenter',
    inside(from.netns, 'sh', '-c', script, 'sh', to.addresses[0] ?? ''),
  );
  const lost = async () => {
    const [, received] = /100 packets transmitted, (\d+) received/.exec(await ping.ended) ?? [];
    return 100 - Number(received);
  };
  return { lost, [Symbol.asyncDispose]: () => ping[Symbol.asyncDispose]() };
}
