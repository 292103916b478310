import { setTimeout as sleep } from 'node:timers/promises';
import { type Attached, Cluster, type Host } from '../../test/support/cluster.ts';
import { awaitEcho } from '../../test/support/pinging.ts';
import type { Conf } from '../../test/support/rig.ts';
import { until } from '../../test/support/until.ts';
import type { Context } from './context.ts';
import { median } from './statistics.ts';

/** How long it takes until what has happened to a host is so for all. */
export type OverlayChanges = {
  /** From a new host's lease until its container and those of the others reach each other, in milliseconds. */
  readonly arrival: Delays;
  /** From the moment a host's link is healed until all reach each other and find its new name, in milliseconds. */
  readonly return: Delays & { readonly cutMs: number };
};

export type Delays = { readonly medianMs: number; readonly worstMs: number; readonly samples: number };

/** Hosts that are there before the first one joins. */
const firstHosts = 3;

/** One host after the other joins. */
export async function measureArrival(context: Context): Promise<Delays> {
  const rounds = context.isQuick ? 2 : 6;
  await using cluster = await Cluster.create({ hosts: firstHosts + rounds });
  const [first, coming] = [cluster.hosts.slice(0, firstHosts), cluster.hosts.slice(firstHosts)];
  for (const host of first) await host.join();
  const far = await Promise.all(first.map((host) => host.add()));
  const samples: number[] = [];
  for (const host of coming) {
    context.interruption.throwIfAborted();
    context.progress.tell(`a host joins the overlay: round ${samples.length + 1} of ${rounds}`);
    samples.push(await joinOnce(cluster, host, far));
  }
  return toDelays(samples);
}

/** The clock starts when the key is in etcd: what comes before is the start of the agent. */
async function joinOnce(cluster: Cluster, host: Host, far: readonly Attached[]): Promise<number> {
  const starting = host.startAgent();
  const isLeased = async () =>
    Object.values(await cluster.leases()).some(({ PublicIP }) => PublicIP === host.address);
  await until(isLeased, 'a lease');
  const leasedAt = performance.now();
  await until(() => host.subnet().FLANNEL_SUBNET !== undefined, 'subnet.env');
  const container = await host.add();
  await allReach(container, far);
  const tookMs = performance.now() - leasedAt;
  await starting;
  return tookMs;
}

/** A host is cut off; meanwhile a container is added on each side. */
export async function measureReturn(context: Context): Promise<OverlayChanges['return']> {
  const cutMs = context.isQuick ? 10_000 : 60_000;
  const rounds = context.isQuick ? 1 : 3;
  const samples: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    context.interruption.throwIfAborted();
    context.progress.tell(`a host is cut off for ${cutMs / 1000} s: round ${round} of ${rounds}`);
    samples.push(await cutOnce(cutMs));
  }
  return { ...toDelays(samples), cutMs };
}

/** The services of the containers that come while the host is cut off, on its side and on the others'. */
const inside = 'inside';
const outside = 'outside';

async function cutOnce(cutMs: number): Promise<number> {
  await using cluster = await Cluster.create({ hosts: 3 });
  for (const host of cluster.hosts) await host.join();
  const [lost, ...others] = cluster.hosts;
  if (lost === undefined) throw new Error('the cluster has no host');
  await lost.cut();
  const inner = await lost.add(naming(lost, inside));
  const outer = await Promise.all(others.map((host) => host.add(naming(host, outside))));
  await sleep(cutMs);
  const healedAt = performance.now();
  await lost.heal();
  await allReach(inner, outer);
  await until(async () => isFound(others, inside, inner), 'the name of a container of the host');
  await until(
    async () => (await lost.agent.dig(`${outside}.default.svc.fairlead.internal`)).length === outer.length,
    'the names of the other containers',
  );
  return performance.now() - healedAt;
}

function naming(host: Host, service: string): Conf {
  return { registry: { store: host.rig.store, service } };
}

async function isFound(hosts: readonly Host[], service: string, { addresses }: Attached): Promise<boolean> {
  const answers = await Promise.all(
    hosts.map((host) => host.agent.dig(`${service}.default.svc.fairlead.internal`)),
  );
  return answers.every((answer) => answer[0] === addresses[0]);
}

/** Resolves when each has had an echo of the other; asked so often that a lost request delays the answer by 20 ms at most. */
async function allReach(one: Attached, others: readonly Attached[]): Promise<void> {
  const ways = others.flatMap((other) => [echoes(one, other), echoes(other, one)]);
  await Promise.all(ways.flat());
}

function echoes(from: Attached, to: Attached): readonly Promise<void>[] {
  return to.addresses.map((address) => awaitEcho(from.netns, address));
}

function toDelays(samples: readonly number[]): Delays {
  return { medianMs: median(samples), worstMs: Math.max(...samples), samples: samples.length };
}
