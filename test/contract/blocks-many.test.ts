import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { BlockTable } from '../../lib/blocks/table/table.ts';
import { limitMs, rounds } from '../support/binaries.ts';
import { BlocksCluster, loansOf } from '../support/blocks-cluster.ts';
import { Crowd, CrowdHost } from '../support/blocks-crowd.ts';
import { nodeOf } from '../support/blocks-holder.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/until.ts';

const operations = rounds({ short: 1_000, soak: 10_000 });
const hostCount = 8;
/** Sixteen blocks of eight addresses: fewer than the containers would have. */
const pool = { cidr: '10.50.0.0/25', blockSize: 29 };
const settings = { spare: 4, releaseAfterMs: 1_000, leakIntervalMs: 1_000, hostTtlSeconds: 5 };

test('eight hosts give no address twice, and lose none, whenever their agents are killed', {
  timeout: limitMs(operations, 60),
}, async () => {
  await using cluster = await BlocksCluster.start();
  await cluster.putPool('a', pool);
  await using stack = new AsyncDisposableStack();
  const hosts = Array.from({ length: hostCount }, (_, at) =>
    stack.use(new CrowdHost(cluster.place(at + 1, settings), cluster.servers.config)),
  );
  for (const host of hosts) host.startAgent();
  for (const host of hosts)
    await until(
      () => host.containers.shared > 0,
      'a share',
      () => host.log,
    );
  const random = new Random();
  const crowd = new Crowd();
  const beganAt = performance.now();

  const seen = await storm(crowd, { hosts, random, table: () => cluster.table() });

  const perSecond = Math.round(crowd.counts.done / ((performance.now() - beganAt) / 1_000));
  console.log(
    `blocks: ${crowd.counts.done} operations on ${hostCount} hosts, ${perSecond}/s, ${crowd.counts.refused} refused, ` +
      `${seen.kills} agents killed, up to ${seen.loans} loans, seed ${random.seed}`,
  );
  for (const host of hosts)
    await until(
      () => hasExactly(host, crowd),
      'dead leases to be freed',
      () => host.log,
    );
  expect(seen.loans).toBeGreaterThan(0);

  for (const container of crowd.live) crowd.del(container);
  await cluster.until((table) => isAtRest(table, hosts), 'what was borrowed and is empty to be given back');
  for (const host of hosts) expect(host.containers.shared).toBeGreaterThanOrEqual(settings.spare);
});

type Storm = {
  readonly hosts: readonly CrowdHost[];
  readonly random: Random;
  readonly table: () => Promise<BlockTable>;
};

/** So many ADDs are under way at a time. */
const mostUnderway = 12;

/** Containers come and go everywhere; now and then an agent is killed, and started again. */
async function storm(
  crowd: Crowd,
  { hosts, random, table }: Storm,
): Promise<{ kills: number; loans: number }> {
  const seen = { kills: 0, loans: 0 };
  const underway = new Set<Promise<void>>();
  const begin = (work: Promise<void>) => {
    const done = work.finally(() => underway.delete(done));
    underway.add(done);
  };
  for (let number = 1; crowd.counts.done < operations; number++) {
    begin(crowd.add(pickBusy(hosts, number, random), random.below(30)));
    if (crowd.live.length > random.below(110)) crowd.end(random);
    await sleep(random.below(12));
    if (underway.size > mostUnderway) await Promise.race(underway);
    if (number % 50 > 0) continue;
    seen.kills++;
    begin(restart(random.pick(hosts), random.below(300)));
    seen.loans = Math.max(seen.loans, countLoans(await table(), hosts));
  }
  await Promise.all(underway);
  return seen;
}

/** One host after the other has more to do than it has room for. */
function pickBusy(hosts: readonly CrowdHost[], number: number, random: Random): CrowdHost {
  const busy = hosts[Math.floor(number / 200) % hosts.length];
  return busy !== undefined && random.below(3) === 0 ? busy : random.pick(hosts);
}

async function restart(host: CrowdHost, afterMs: number): Promise<void> {
  await host.killAgent();
  await sleep(afterMs);
  host.startAgent();
}

function countLoans(table: BlockTable, hosts: readonly CrowdHost[]): number {
  return hosts.reduce((sum, { place }) => sum + loansOf(table, { node: nodeOf(place) }).length, 0);
}

function hasExactly(host: CrowdHost, crowd: Crowd): boolean {
  const leased = [...host.containers.leased.keys()].sort();
  return leased.join() === crowd.addressesOf(host).toSorted().join();
}

/** Every host has one block, and nothing else: what was spare, and one block, was more than enough. */
function isAtRest({ blocks }: BlockTable, hosts: readonly CrowdHost[]): boolean {
  const all = [...blocks.values()];
  const areWell = all.every(
    ({ state, loans, wanted }) => state === 'confirmed' && loans.size + wanted.size === 0,
  );
  return areWell && hosts.every(({ place }) => all.some(({ node }) => node === nodeOf(place)));
}
