import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { errnoOf } from '../../lib/errors/system-error.ts';
import { limitMs, rounds } from '../support/binaries.ts';
import { CurrentAgent } from '../support/call-agent-current.ts';
import { processesIn, type WorkerUsage } from '../support/call-place-processes.ts';
import { bridgeConf } from '../support/confs.ts';
import { Random } from '../support/random.ts';
import { ResidentHost } from '../support/resident-host.ts';
import type { Rig } from '../support/rig.ts';
import { expectNothingLeft, requireSoakParts, soakConf } from '../support/soak.ts';
import { startCallers, startFlood } from '../support/soak-callers.ts';

/** The longest that callers are at it. */
const soakSeconds = rounds({ short: 150, soak: 3_300 });
const soakLimitMs = (soakSeconds + 60) * 1_000;

const pairs = rounds({ short: 1_000, soak: 100_000 });
const mishapEveryMs = rounds({ short: 400, soak: 1_500 });
const containers = rounds({ short: 20, soak: 200 });

test(
  `${pairs} pairs while agents and workers are killed: no address is two containers', and nothing is left`,
  async (context) => {
    await requireSoakParts(context);
    await using host = await ResidentHost.create(containers);
    const { rig } = host;
    await using agent = new CurrentAgent(host);
    const random = new Random();
    const plan = { conf: soakConf(rig), pairs, callers: 8, seed: random.seed, seconds: soakSeconds };
    await agent.start();
    await using callers = startCallers(host, plan);

    const mishaps = await haveMishaps(agent, random, callers.isOver);
    const summary = await callers.summary;
    if (!mishaps.isServed) await agent.start();

    console.log(
      `resident soak: ${JSON.stringify(describe(summary))}, ${JSON.stringify(mishaps)} (SEED=${random.seed})`,
    );
    expect(summary).toMatchObject({ twice: [], givenUp: [] });
    expect(mishaps.count).toBeGreaterThan(2);
    expect(await agent.end('SIGTERM')).toBe(0);
    await expectNothingLeft(host);
    // Last: a machine that is too slow for all of them has told the rest nevertheless.
    expect(summary.pairs).toBeGreaterThanOrEqual(pairs);
  },
  soakLimitMs,
);

/** What the summary says in few words; a soak has many failures of the same kind. */
function describe({
  twice,
  failedAdds,
  failedDels,
  givenUp,
  ...counts
}: Awaited<Callers['summary']>): object {
  const kinds = (failures: readonly string[]) => Object.groupBy(failures, kindOf);
  const count = (failures: readonly string[]) =>
    Object.fromEntries(Object.entries(kinds(failures)).map(([kind, all]) => [kind, all?.length]));
  return { ...counts, twice, givenUp, failedAdds: count(failedAdds), failedDels: count(failedDels) };
}

type Callers = ReturnType<typeof startCallers>;

/** The error without what is each container's own. */
function kindOf(failure: string): string {
  return failure
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/fl-t[\w-]+|veth[0-9a-f]+|[\d.]+\d/g, '…')
    .slice(0, 160);
}

/** The agent is killed, a worker is killed, the agent is stopped and started, and so on. */
async function haveMishaps(
  agent: CurrentAgent,
  random: Random,
  isOver: () => boolean,
): Promise<{ readonly count: number; readonly isServed: boolean }> {
  let count = 0;
  let isServed = true;
  while (await passes(mishapEveryMs + random.below(2 * mishapEveryMs), isOver)) {
    count += 1;
    if (count % 3 === 0) {
      killOne(agent.workers, random);
      continue;
    }
    await agent.end(count % 3 === 1 ? 'SIGKILL' : 'SIGTERM');
    // Now and then nobody serves for a while: the callers execute their calls themselves.
    isServed = await passes(random.below(300), isOver);
    if (isServed) await agent.start();
  }
  return { count, isServed };
}

/** One that has ended by itself meanwhile is as good. */
function killOne(workers: readonly number[], random: Random): void {
  if (workers.length === 0) return;
  try {
    process.kill(random.pick(workers), 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** Waits so long. @returns whether all is still going on then */
async function passes(ms: number, isOver: () => boolean): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!isOver() && performance.now() < deadline) await sleep(20);
  return !isOver();
}

const steadyPairs = rounds({ short: 400, soak: 50_000 });

test(
  `${steadyPairs} pairs by the same workers: neither memory nor descriptors grow`,
  async (context) => {
    await requireSoakParts(context);
    await using host = await ResidentHost.create(20);
    const agent = await host.startAgent();
    await using callers = startCallers(host, {
      conf: soakConf(host.rig),
      pairs: steadyPairs,
      callers: 4,
      seed: 1,
      seconds: soakSeconds,
      variesPath: true,
    });
    const before = agent.workers;
    const samples = await sampleUsage(callers, () => agent.usage());
    const summary = await callers.summary;

    expect(summary).toMatchObject({ twice: [], failedAdds: [], failedDels: [], givenUp: [] });
    expect(agent.workers).toEqual(before);
    const third = Math.floor(samples.length / 3);
    const [first, last] = [samples.slice(0, third), samples.slice(-third)];
    console.log(
      `resident memory: ${JSON.stringify([worst(first), worst(last)])} of ${samples.length} samples`,
    );
    expect(worst(last).residentKb).toBeLessThan(worst(first).residentKb * 1.2);
    // One call may have some open that another has not.
    expect(worst(last).descriptors).toBeLessThanOrEqual(worst(first).descriptors + 2);
    expect(summary.pairs).toBeGreaterThanOrEqual(steadyPairs);
  },
  soakLimitMs,
);

/** Until the callers have ended, without the first calls, in which a worker only comes to have what it keeps. */
async function sampleUsage(
  { pairs: done, isOver }: Callers,
  take: () => readonly WorkerUsage[],
): Promise<readonly WorkerUsage[]> {
  const samples: WorkerUsage[] = [];
  while (await passes(100, isOver)) if (done() > steadyPairs / 5) samples.push(...take());
  return samples;
}

function worst(samples: readonly WorkerUsage[]): Omit<WorkerUsage, 'pid'> {
  return {
    residentKb: Math.max(...samples.map(({ residentKb }) => residentKb)),
    descriptors: Math.max(...samples.map(({ descriptors }) => descriptors)),
  };
}

const restarts = rounds({ short: 3, soak: 30 });

test(
  `no call fails while the agent is stopped and started under load (${restarts} times)`,
  async (context) => {
    await requireSoakParts(context);
    await using host = await ResidentHost.create(16);
    await using agent = new CurrentAgent(host);
    await agent.start();
    const plan = { conf: soakConf(host.rig), pairs: 1e9, callers: 8, seed: 1, seconds: restarts * 20 };
    await using callers = startCallers(host, plan);

    const statuses: unknown[] = [];
    for (let round = 0; round < restarts; round++) {
      await sleep(1_000);
      statuses.push(await agent.end('SIGTERM'));
      await agent.start();
    }
    callers.stop();
    const summary = await callers.summary;

    expect(statuses).toEqual(Array(restarts).fill(0));
    expect(summary).toMatchObject({ twice: [], failedAdds: [], failedDels: [], givenUp: [] });
    expect(summary.pairs).toBeGreaterThan(restarts);
    await agent.end('SIGTERM');
    await expectNothingLeft(host);
  },
  limitMs(restarts, 25_000) + 60_000,
);

const flood = 2_000;

test(`a flood of ${flood} callers is bounded: each has its answer or is told to try again, and no process is started for it`, async (context) => {
  await requireSoakParts(context);
  await using host = await ResidentHost.create(1);
  const { rig } = host;
  const conf = bridgeConf(rig, {
    isDefaultGateway: false,
    isGateway: true,
    ipam: wideIpam(rig),
    registry: { store: rig.store },
  });
  const agent = await host.startAgent({ cni: { queue: 8 } });

  await using callers = startFlood(host, { conf, pairs: flood, seed: 1, seconds: 60 });
  const others = await mostOthers(host, callers.isOver);
  const { added, refused, failedDels } = await callers.summary;

  const isFull = (said: string) => said.includes('"code": 11') && said.includes('too many calls waiting');
  expect(refused.filter((said) => !isFull(said))).toEqual([]);
  expect(added + refused.length).toBe(flood);
  expect(Math.min(added, refused.length)).toBeGreaterThan(0);
  expect(failedDels).toEqual([]);
  expect(existsSync(`${host.runDir}/cni.fallbacks`)).toBe(false);
  // The agent, its workers, and what each of these runs at a time and has not waited for yet; not one for each caller.
  expect(others).toBeLessThanOrEqual(20);
  expect(agent.workers).toHaveLength(2);
});

function wideIpam({ dataDir }: Rig): object {
  return { type: 'host-local', dataDir, ranges: [[{ subnet: '10.23.0.0/16' }]] };
}

/** The most processes at a time that are neither callers nor clients. */
async function mostOthers({ place }: ResidentHost, isOver: () => boolean): Promise<number> {
  let most = 0;
  const isOther = (words: string) =>
    words !== '' && !words.startsWith('python3') && !words.endsWith('/bin/bridge');
  do most = Math.max(most, processesIn(place).filter(isOther).length);
  while (await passes(100, isOver));
  return most;
}
