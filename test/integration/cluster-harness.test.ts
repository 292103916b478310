import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Cluster, type Host, reaches } from '../support/cluster.ts';
import type { EtcdMember } from '../support/etcd.ts';
import { inside, mustInside, startBeside, tryInside } from '../support/process.ts';
import { canPing } from '../support/traffic.ts';
import { until } from '../support/until.ts';

describe('the underlay', () => {
  test('hosts reach each other over both families, and have no way elsewhere', async () => {
    await using cluster = await Cluster.create({ hosts: 2 });
    const [one, two] = [cluster.host(1), cluster.host(2)];

    expect(await canPing(one.netns, two.address)).toBe(true);
    expect(await canPing(one.netns, two.address6)).toBe(true);
    expect(await mustInside(one.netns, 'ip', 'route', 'show')).toMatch(/^192\.0\.2\.0\/24 dev eth0 .*\n$/);
  });

  test('a host that is cut off reaches nobody, keeps its addresses, and is back when healed', async () => {
    await using cluster = await Cluster.create({ hosts: 3 });
    const [one, two, three] = [cluster.host(1), cluster.host(2), cluster.host(3)];

    await one.cut();

    expect(await canPing(one.netns, two.address)).toBe(false);
    expect(await canPing(two.netns, one.address6)).toBe(false);
    expect(await canPing(two.netns, three.address)).toBe(true);
    await one.heal();
    // Both still ask for each other's MAC, every second.
    await until(() => canPing(one.netns, two.address), 'the first to reach the second');
    await until(() => canPing(two.netns, one.address6), 'the second to reach the first');
  });

  test('a slow host sends and is sent at its rate, until it is healed', async () => {
    await using cluster = await Cluster.create({ hosts: 2 });
    const [one, two] = [cluster.host(1), cluster.host(2)];
    const fastMs = await sendMs(one, two);

    // 50 kB take 400 ms.
    await one.slow({ rateKbit: 1000, latencyMs: 400 });

    expect(await sendMs(one, two)).toBeGreaterThan(fastMs + 300);
    expect(await sendMs(two, one)).toBeGreaterThan(fastMs + 300);
    await one.heal();
    expect(await sendMs(one, two)).toBeLessThan(fastMs + 200);
  });

  test('it has the MTU that was asked for', async () => {
    await using cluster = await Cluster.create({ hosts: 2, mtu: 1400 });
    const [one, two] = [cluster.host(1), cluster.host(2)];
    const ping = ['ping', '-c', '1', '-W', '1', '-M', 'do', two.address, '-s'];

    expect((await tryInside(one.netns, ...ping, '1372')).status).toBe(0);
    expect((await tryInside(one.netns, ...ping, '1373')).stderr).toContain('mtu=1400');
  });
});

describe('a host', () => {
  test('has an agent, whose containers reach those of another one, and which ends when it is told to', async () => {
    await using cluster = await Cluster.create({ hosts: 2 });
    const [one, two] = [cluster.host(1), cluster.host(2)];
    await one.join();
    await two.join();
    const [here, there] = [await one.add(), await two.add()];

    await until(() => reaches(here, there), 'an echo from the other host');

    await one.del(here);
    expect(await canPing(there.netns, here.addresses[0] ?? '')).toBe(false);
    expect(await one.stopAgent()).toBe(0);
  });
});

describe('etcd on the underlay', () => {
  test('three members go on when their leader is killed, and when one of them is cut off', async () => {
    await using cluster = await Cluster.create({ hosts: 1, etcd: 3 });
    const { etcd, underlay } = cluster;
    const [first, second] = etcd.members as [EtcdMember, EtcdMember];
    const host = cluster.host(1);

    const leader = await etcd.leader();
    await leader.kill();
    await etcd.leader();
    await etcd.etcdctl('put', '/a', 'while one was dead');
    await leader.restart();
    expect(await read(host, leader)).toBe('while one was dead');

    await underlay.cut(201);
    await until(async () => (await read(host, second)) !== undefined, 'the others to answer');
    expect(await read(host, first)).toBeUndefined();
    await underlay.heal(201);
    await until(async () => (await read(host, first)) !== undefined, 'the one that was cut off to be back');
  });
});

describe('the end', () => {
  test('nothing of a cluster is left when its test has failed', async () => {
    const failed = Cluster.create({ hosts: 2, etcd: 3 }).then(async (made) => {
      await using cluster = made;
      await cluster.host(1).rig.container();
      expect(ownNamespaces()).toHaveLength(7);
      throw new Error('the test has failed');
    });

    await expect(failed).rejects.toThrow('the test has failed');
    expect(ownNamespaces()).toEqual([]);
    expect(ownChildren()).toEqual([]);
  });

  test('nothing is left of a cluster that could not be made whole', async () => {
    await expect(Cluster.create({ hosts: 2, mtu: 1 })).rejects.toThrow();

    expect(ownNamespaces()).toEqual([]);
    expect(ownChildren()).toEqual([]);
  });
});

const sink = `
import socket
server = socket.create_server(("0.0.0.0", 7000))
print("ready", flush=True)
peer, _ = server.accept()
while peer.recv(65536): pass
peer.sendall(b"done")
`;

const source = `
import socket, sys, time
begin = time.monotonic()
peer = socket.create_connection((sys.argv[1], 7000), timeout=10)
peer.sendall(bytes(50000))
peer.shutdown(socket.SHUT_WR)
peer.recv(4)
print((time.monotonic() - begin) * 1000)
`;

/** How long 50 kB take from one host to another, in milliseconds. */
async function sendMs(from: Host, to: Host): Promise<number> {
  await using _ = await startBeside('nsenter', inside(to.netns, '/usr/bin/python3', '-c', sink));
  return Number(await mustInside(from.netns, '/usr/bin/python3', '-c', source, to.address));
}

/** What a member says of the key /a to a host; undefined where it does not answer. */
async function read(host: Host, { endpoint }: EtcdMember): Promise<string | undefined> {
  const flags = [`--endpoints=${endpoint}`, '--dial-timeout=500ms', '--command-timeout=2s'];
  const { status, stdout } = await tryInside(
    host.netns,
    'etcdctl',
    ...flags,
    'get',
    '--print-value-only',
    '/a',
  );
  return status === 0 ? stdout.trim() : undefined;
}

function ownNamespaces(): readonly string[] {
  return readdirSync('/run/netns').filter((name) => name.startsWith(`fl-t${process.pid}-`));
}

/** The names of this process's children. */
function ownChildren(): readonly string[] {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  return pids.filter((pid) => pid !== '').map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}
