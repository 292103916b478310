import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BgpStatus } from '../../lib/routing/bgp-status.ts';
import { BirdProcess } from '../support/bird-process.ts';
import { type Attached, Cluster, type Host } from '../support/cluster.ts';
import { awaitEcho, startPinging } from '../support/pinging.ts';
import { mustInside } from '../support/process.ts';
import {
  addRouted,
  birdPlaceOf,
  delRouted,
  dualPools,
  ipamOf,
  putPools,
  rangesOf,
  routesOf,
  startRouted,
} from '../support/routed-cluster.ts';
import { until } from '../support/until.ts';

// Whole agents with a real BIRD each, which learn the ways to each other's blocks over BGP.

const holdSeconds = 3;

/** Few containers, and their host needs another block. */
const smallBlocks = { main: { ...dualPools.main, blockSize: 28 }, main6: dualPools.main6 };

describe('five hosts', () => {
  let cluster: Cluster;
  const birds: BirdProcess[] = [];
  let containers: readonly Attached[];

  beforeAll(async () => {
    cluster = await Cluster.create({ hosts: 5 });
    await putPools(cluster, smallBlocks);
    await Promise.all(cluster.hosts.map((host) => startBird(host)));
    containers = await Promise.all(cluster.hosts.map((host) => addRouted(host)));
  });
  afterAll(async () => {
    await Promise.all(birds.map((bird) => bird[Symbol.asyncDispose]()));
    await cluster[Symbol.asyncDispose]();
  });

  /** The agent writes BIRD's configuration, whether one runs or not; whose start is the operator's. */
  async function startBird(host: Host): Promise<void> {
    const bird = new BirdProcess(birdPlaceOf(host));
    birds[host.number - 1] = bird;
    const starting = startRouted(host, {
      blocks: { spare: 4 },
      routing: { mode: 'bird', holdTime: `${holdSeconds}s` },
    });
    await until(() => existsSync(birdPlaceOf(host).configFile), 'a configuration of BIRD');
    await bird.start();
    await starting;
  }

  const container = (number: number) => containers[number - 1] as Attached;
  const bird = (number: number) => birds[number - 1] as BirdProcess;

  /** Resolves when a host has routes to all blocks of the others, and to nothing that is not theirs. */
  async function awaitWhole(host: Host): Promise<void> {
    await until(async () => {
      const { routes, problems } = await routesOf(host);
      return routes.length >= 8 && routes.every(({ isInstalled }) => isInstalled) && problems.length === 0;
    }, `host ${host.number} to have routes to all blocks`);
  }

  /** Resolves when a host's sessions are established, and BIRD has had time to remove what it takes for stale. */
  async function awaitSessions(host: Host): Promise<void> {
    const established = async () =>
      (await neighboursOf(host)).filter(({ state }) => state === 'Established').length;
    // With each of the four others one for each family.
    await until(async () => (await established()) === 8, 'all sessions');
    await sleep(2_000);
  }

  test('reach each other’s containers by both families', async () => {
    for (const from of containers)
      for (const to of containers)
        if (from !== to) await Promise.all(to.addresses.map((address) => awaitEcho(from.netns, address)));
  });

  test('have a new block of one of them within two seconds', async () => {
    for (const host of cluster.hosts) await awaitWhole(host);
    const host = cluster.host(4);
    const before = rangesOf(host);
    const added: Attached[] = [];
    while (rangesOf(host).length === before.length) added.push(await addRouted(host));
    const takenAt = performance.now();
    const [range = ''] = rangesOf(host).filter((each) => !before.includes(each));
    const dst = `${range.split('-')[0]}/28`;

    const tookMs = await Promise.all(
      cluster.hosts
        .filter((each) => each !== host)
        .map(async ({ netns }) => {
          const show = () => mustInside(netns, 'ip', 'route', 'show', dst, 'proto', 'bird');
          await until(async () => (await show()).includes(`via ${host.address}`), `a route to ${dst}`);
          return Math.round(performance.now() - takenAt);
        }),
    );

    console.log(`a new block is reachable after ${tookMs.join(', ')} ms`);
    expect(Math.max(...tookMs)).toBeLessThan(2_000);
    for (const each of added) await delRouted(host, each);
  });

  test('lose no packet while a BIRD restarts, by its unit or after a kill', async () => {
    const [from, to] = [container(1), container(2)];
    for (const end of ['unit', 'kill'] as const) {
      await using pinging = await startPinging(from.netns, to.addresses[0] ?? '');
      if (end === 'unit') await bird(2).stopGracefully();
      else await bird(2).signal('SIGKILL');
      await bird(2).start({ isRecovering: true });
      await awaitSessions(cluster.host(2));
      for (const host of cluster.hosts) await awaitWhole(host);
      const { sent, lost } = await pinging.end();

      console.log(`a restart of BIRD (${end}): ${lost} of ${sent} echoes lost`);
      expect(sent).toBeGreaterThan(20);
      expect(lost).toBe(0);
    }
  });

  test('go on while a BIRD is away, which its agent says, with what to do', async () => {
    await bird(3).signal('SIGKILL');
    const problems = async () => (await routesOf(cluster.host(3))).problems.join('\n');

    await until(async () => /bird/i.test(await problems()), 'BIRD to be missed');
    await awaitEcho(container(3).netns, container(1).addresses[0] ?? '');

    await bird(3).start({ isRecovering: true });
    await until(async () => (await problems()) === '', 'BIRD to be back');
  });

  test('lose the routes to one that dies within the hold time, and have them again when it is back', async () => {
    const dead = cluster.host(5);
    const [other] = cluster.hosts;
    const routes = () => mustInside(other?.netns ?? '', 'ip', 'route', 'show', 'proto', 'bird');
    await until(async () => (await routes()).includes(`via ${dead.address} `), 'its routes');
    await dead.cut();
    const cutAt = performance.now();

    await until(async () => !(await routes()).includes(`via ${dead.address} `), 'its routes to go');
    const tookMs = performance.now() - cutAt;

    console.log(`the routes of a host that died went after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(holdSeconds * 1_000 + 1_000);
    await dead.heal();
    await awaitEcho(container(1).netns, container(5).addresses[0] ?? '');
  });

  test('tell of each other', async () => {
    const v4 = (await neighboursOf(cluster.host(1))).filter(({ address }) => !address.includes(':'));

    expect(v4.map(({ address }) => address).toSorted()).toEqual(
      [2, 3, 4, 5].map((number) => cluster.host(number).address),
    );
    expect(v4.map(({ state }) => state)).toEqual(Array(4).fill('Established'));
    expect((await ipamOf(cluster.host(1))).hosts.filter(({ isAlive }) => isAlive)).toHaveLength(5);
  });
});

async function neighboursOf(host: Host): Promise<BgpStatus['neighbours']> {
  return ((await host.agent.curl('/v1/bgp')).body as BgpStatus).neighbours;
}
