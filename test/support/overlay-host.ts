import { applyOnHost, applyPlan, type OwnHost } from '../../lib/exec/apply.ts';
import type { Command, Run } from '../../lib/exec/command.ts';
import { inquire, inquireAsync } from '../../lib/exec/inquiry.ts';
import { createMachine, type Machine } from '../../lib/exec/machine.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import type { Reconciled } from '../../lib/exec/reconciled.ts';
import { noShortcut } from '../../lib/exec/shortcut.ts';
import { createDetachedStarter, createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';
import { type ObservedPlane, observePlane } from '../../lib/overlay/kernel/observe.ts';
import { type PeerRules, peersOf } from '../../lib/overlay/kernel/peers.ts';
import { planPlane } from '../../lib/overlay/kernel/plan.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import { reconcile } from '../../lib/overlay/kernel/reconcile.ts';
import { wishOf } from '../../lib/overlay/kernel/wish.ts';
import type { SubnetLease } from '../../lib/overlay/lease/lease.ts';
import type { Plan } from '../../lib/plan/operation.ts';
import { plainRules } from './overlay-planes.ts';
import { inside, must, mustInside, run } from './process.ts';
import type { Rig } from './rig.ts';

const machine = createMachine({
  run: createSpawnSyncRunner(process.env.PATH),
  startDetached: createDetachedStarter(process.env.PATH),
  shortcut: noShortcut,
  inNetns: createInNetns(() => process.abort()),
});

/** How a host's kernel is looked at and changed: as a plugin does, which waits, or as an agent does, beside other work. */
export type Manner = 'waiting' | 'beside';

/** The kernel of one host of an overlay, in a namespace of its own. */
export class OverlayHost {
  readonly netns: string;
  readonly manner: Manner;
  /** How many processes have been started in it. */
  processes = 0;

  constructor(netns: string, manner: Manner = 'beside') {
    this.netns = netns;
    this.manner = manner;
  }

  observe(plane: Plane): Promise<ObservedPlane> {
    if (this.manner === 'beside') return inquireAsync(observePlane(plane), this.#run);
    return Promise.resolve(this.#here(({ run: runHere }) => inquire(observePlane(plane), runHere)));
  }

  /** The plan that makes the host follow the leases. */
  async plan(plane: Plane, leases: readonly SubnetLease[], rules: PeerRules = plainRules): Promise<Plan> {
    return planPlane(wishOf(plane, peersOf(plane, leases, rules).peers), await this.observe(plane));
  }

  /** @throws the first failure */
  async apply(plan: Plan): Promise<void> {
    if (this.manner === 'waiting') {
      this.#here((counting) => applyPlan(plan, { machine: counting, netns: '' }));
      return;
    }
    const [failure] = await applyOnHost(plan, this.#own);
    if (failure !== undefined) throw failure;
  }

  /** Makes the host follow the leases. @returns what was done */
  async follow(plane: Plane, leases: readonly SubnetLease[], rules: PeerRules = plainRules): Promise<Plan> {
    const plan = await this.plan(plane, leases, rules);
    await this.apply(plan);
    return plan;
  }

  /** Makes the host follow the leases with all planes that it has, as an agent does. */
  reconcile(
    planes: readonly Plane[],
    leases: readonly SubnetLease[],
    rules: PeerRules = plainRules,
  ): Promise<Reconciled> {
    const targets = planes.map((plane) => {
      const { peers } = peersOf(plane, leases, rules);
      return { plane, peers, wish: wishOf(plane, peers) };
    });
    return reconcile({ planes: targets, networks: {}, refused: [] }, this.#own, []);
  }

  /** Runs a tool in the host's namespace, as an operator does. */
  ip(line: string): Promise<string> {
    return mustInside(this.netns, 'ip', ...line.split(' '));
  }

  bridge(line: string): Promise<string> {
    return mustInside(this.netns, 'bridge', ...line.split(' '));
  }

  readonly #run: Run = ({ file, args, ...rest }) => {
    this.processes += 1;
    return run({ file: 'nsenter', args: inside(this.netns, file, ...args), ...rest });
  };

  readonly #own: OwnHost = {
    run: (command) => this.#run(command),
    readProc: (path) => this.#here(({ readProc }) => readProc(path)),
    writeProc: (path, value) => this.#here(({ writeProc }) => writeProc(path, value)),
  };

  #here<T>(work: (counting: Machine) => T): T {
    const counting = (command: Command) => {
      this.processes += 1;
      return machine.run(command);
    };
    return machine.inNetns(`/run/netns/${this.netns}`, () => work({ ...machine, run: counting }));
  }
}

/** Links two hosts: eth0 of host 1 and of host 2, with their public addresses of both families. */
export async function linkHosts(rig: Rig, manner?: Manner): Promise<readonly [OverlayHost, OverlayHost]> {
  const hosts = [
    new OverlayHost(rig.host, manner),
    new OverlayHost(await rig.namespace('h2'), manner),
  ] as const;
  await must('ip', [
    ...['link', 'add', 'name', 'eth0', 'netns', hosts[0].netns],
    ...['type', 'veth', 'peer', 'name', 'eth0', 'netns', hosts[1].netns],
  ]);
  for (const [index, host] of hosts.entries()) {
    await host.ip('link set dev lo up');
    await host.ip('link set dev eth0 up');
    await host.ip(`addr add 192.0.2.${index + 1}/24 dev eth0`);
    await host.ip(`addr add 2001:db8:5::${index + 1}/64 dev eth0 nodad`);
  }
  return hosts;
}
