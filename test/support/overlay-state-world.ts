import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, type StoredLease } from './cluster.ts';
import type { NamedLease } from './overlay-state.ts';
import {
  handedOutTwice,
  kernelProblems,
  registryProblems,
  subnetFileProblems,
  trafficProblems,
} from './overlay-state-checks.ts';
import type { Event } from './overlay-state-event.ts';
import { Member } from './overlay-state-member.ts';
import { type Departed, nameProblems } from './overlay-state-names.ts';

/** All must agree so long after an event. */
const settleMs = 30_000;

/** Hosts of an overlay to which things happen, and all that is to be true of them afterwards. */
export class OverlayWorld implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly members: readonly Member[];
  readonly departed: Departed[] = [];
  /** What has happened, for who has to find out why something is wrong. */
  readonly story: string[] = [];
  /** Addresses that two containers have for a reason. */
  readonly excused = new Set<string>();
  #leases: readonly NamedLease[] = [];

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.members = cluster.hosts.map((host) => new Member(host));
  }

  /** Four hosts whose agents run, with a container each, over three members of etcd. */
  static async create(network: object): Promise<OverlayWorld> {
    const world = new OverlayWorld(await Cluster.create({ hosts: 4, etcd: 3, network }));
    try {
      await Promise.all(world.members.map((member) => member.start()));
      await world.settle();
      await Promise.all(world.members.map((member) => member.attach()));
      await world.settle();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Those of etcd, of hosts and of strangers, when somebody looked last. */
  get leases(): readonly NamedLease[] {
    return this.#leases;
  }

  /** Has something happen, and waits until all agree. */
  async experience({ what, happen }: Event): Promise<void> {
    const told = this.story.push(what);
    const outcome = await happen();
    this.story[told - 1] = `${what}${outcome}`;
    const tookMs = await this.settle();
    this.story[told - 1] = `${what}${outcome} (well after ${Math.round(tookMs)} ms)`;
  }

  /**
   * Resolves when nothing is wrong.
   * @returns how long that took, in milliseconds
   * @throws Error telling the story, and what is still wrong after the time
   */
  async settle(): Promise<number> {
    const begin = performance.now();
    for (;;) {
      const problems = await this.#problems();
      if (problems.length === 0) return performance.now() - begin;
      if (performance.now() - begin > settleMs) throw new Error(this.#tell(problems));
      await sleep(100);
    }
  }

  /** Reads the leases, and notes whose they are. */
  async look(): Promise<void> {
    const stored: Readonly<Record<string, StoredLease>> = await this.cluster.leases();
    this.#leases = Object.entries(stored).map(([name, lease]) => ({ ...lease, name }));
    for (const member of this.members)
      member.note(this.#leases.find(({ PublicIP }) => PublicIP === member.host.address));
  }

  /** The dear questions come last, and only when the others have good answers. */
  async #problems(): Promise<readonly string[]> {
    await this.look();
    const kernels = this.members.map((member) => kernelProblems(member, this.#leases));
    const early = [
      ...this.#leaseProblems(),
      ...(await Promise.all(kernels)).flat(),
      ...this.members.flatMap(subnetFileProblems),
      ...this.members.flatMap(registryProblems),
      ...this.#twiceProblems(),
    ];
    if (early.length > 0) return early;
    const names = await nameProblems(this.members, this.departed);
    return names.length > 0 ? names : trafficProblems(this.members);
  }

  #leaseProblems(): readonly string[] {
    const byHost = Map.groupBy(this.#leases, ({ PublicIP = '' }) => PublicIP);
    return [...byHost.values()]
      .filter((leases) => leases.length > 1)
      .map((leases) => `${leases[0]?.PublicIP} has several leases: ${leases.map(({ name }) => name)}`);
  }

  #twiceProblems(): readonly string[] {
    const twice = handedOutTwice(this.members);
    for (const { what, isExcused } of twice) if (isExcused) this.excused.add(what);
    return twice.flatMap(({ what, isExcused }) => (isExcused ? [] : [what]));
  }

  #tell(problems: readonly string[]): string {
    const states = this.members.map(
      ({ name, isRunning, isCut, lease }) =>
        `${name}: agent ${isRunning ? 'up' : 'down'}${isCut ? ', cut off' : ''}, ${lease?.name ?? 'no lease'}`,
    );
    const logs = this.members.flatMap(({ name, isRunning, host }) =>
      isRunning ? [`the agent of ${name} says:`, ...host.agent.log.split('\n').slice(-25)] : [],
    );
    return [
      'this is still wrong:',
      ...problems,
      'after this:',
      ...this.story.map((what, at) => `${at + 1}. ${what}`),
      'with these hosts:',
      ...states,
      ...logs,
    ].join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}
