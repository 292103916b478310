import { readBootId } from '../attach/liveness.ts';
import { cutForeign } from '../daemon/foreign-text.ts';
import { type KernelMonitorOptions, monitorKernel } from '../daemon/kernel-monitor.ts';
import { Problems } from '../daemon/problems.ts';
import { Wakeup } from '../daemon/wakeup.ts';
import type { Etcd } from '../etcd/etcd.ts';
import { type Followed, follow } from '../etcd/follow.ts';
import type { Run } from '../exec/command.ts';
import { inquireAsync } from '../exec/inquiry.ts';
import type { Listen } from '../exec/lines.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { readUptimeSeconds } from '../exec/uptime.ts';
import type { Log } from '../log/log.ts';
import { Journal } from './journal.ts';
import { checkOverlap } from './kernel/foreign-routes.ts';
import { concerns, concernsMasquerade, heardOf, networkMonitor, ruleMonitor } from './kernel/monitor-line.ts';
import { outerInquiry } from './kernel/outer.ts';
import type { Outer } from './kernel/outer-link.ts';
import { reconcile } from './kernel/reconcile.ts';
import { type Target, targetOf } from './kernel/target.ts';
import type { ByFamily } from './lease/by-family.ts';
import { LeaseHolder } from './lease/holder.ts';
import type { SubnetLease } from './lease/lease.ts';
import { isAround, type NetworkConfig } from './lease/network-config.ts';
import { emptyTable, type LeaseTable, updateTable } from './lease/table.ts';
import { takenFamilies } from './lease/taken.ts';
import { selfOf } from './self.ts';
import type { OverlaySettings } from './settings.ts';
import type { OverlayStatus } from './status.ts';
import { toStatus } from './status-text.ts';
import { publish, withdraw, withdrawTaken } from './subnet-env/publication.ts';
import { readRemembered } from './subnet-env/remembered.ts';
import { type Way, waysTo } from './ways.ts';

export type OverlayParts = {
  readonly settings: OverlaySettings;
  /** Stays the caller's. */
  readonly etcd: Etcd;
  readonly machine: Machine;
  /** For what an agent asks the kernel's tools, beside its other work. */
  readonly run: Run;
  readonly listen: Listen;
  /** The id of this machine. */
  readonly node: string;
  readonly log: Log;
};

/** Two comparisons with the kernel are at least so far apart. */
const restMs = 100;

/**
 * This host's part in an overlay: holds its lease, follows those of the others, and keeps the kernel and subnet.env as
 * they say. While etcd is away everything stays as it was; what is done at the end stays, too, for containers run on.
 */
export class Overlay {
  readonly #parts: OverlayParts;
  readonly #holder: LeaseHolder;
  readonly #journal: Journal;
  readonly #problems: Problems;
  /** Logged alike, though it is not this host that has them. */
  readonly #others: Problems;
  readonly #wakeup = new Wakeup();
  /** What cannot wait until the rest between two comparisons is over. */
  readonly #hurry = new Wakeup();
  #heard = heardOf({ planes: [] }, undefined);
  #table: LeaseTable = emptyTable;
  #config: NetworkConfig | undefined;
  #away: string | undefined = 'not asked yet';
  #outer: Outer | undefined;
  #target: Target | undefined;

  constructor(parts: OverlayParts) {
    const { settings, etcd, log, node } = parts;
    this.#parts = parts;
    this.#journal = new Journal(log);
    this.#problems = new Problems(log);
    this.#others = new Problems(log);
    this.#holder = new LeaseHolder({
      etcd,
      prefix: settings.prefix,
      ttlSeconds: settings.leaseTtlSeconds,
      node,
      previous: readRemembered(settings.stateFile),
      log,
      nowSeconds: () => this.#uptimeSeconds(),
      onChange: () => this.#followLease(),
    });
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { etcd, settings } = this.#parts;
    await Promise.all([
      follow({ etcd, prefix: `${settings.prefix}/`, tell: (followed) => this.#hear(followed) }, signal),
      this.#holder.run(signal),
      this.#reconcileUntil(signal),
      this.#listen({ command: networkMonitor, concerns: (line) => concerns(line, this.#heard) }, signal),
      ...(settings.ipMasq
        ? [this.#listen({ command: ruleMonitor, concerns: concernsMasquerade }, signal)]
        : []),
    ]);
  }

  /** For who asks. */
  status(): OverlayStatus {
    return toStatus({
      settings: this.#parts.settings,
      state: this.#holder.state,
      etcd: { endpoint: this.#parts.etcd.endpoint, away: this.#away ?? this.#holder.trouble },
      target: this.#target,
      unread: this.#table.problems,
      journal: this.#journal,
      problems: [...this.#problems.all, ...this.#holder.problems],
      uptimeSeconds: this.#uptimeSeconds(),
    });
  }

  /** How the host with this id is reached by VXLAN, for routes to what else it has. */
  waysTo(node: string): ByFamily<Way> {
    return waysTo(node, this.#target, this.#table.leases.values());
  }

  /** At once: from this moment on another host may hand out the same addresses. */
  #followLease(): void {
    if (this.#holder.state.kind === 'lost')
      this.#problems.try('subnet.env', () => withdraw(this.#parts.settings));
    this.#hurry.wake();
    this.#wakeup.wake();
  }

  #hear(followed: Followed): void {
    this.#away = followed.kind === 'lost' ? followed.because : undefined;
    this.#others.set('etcd', this.#away === undefined ? [] : [this.#away]);
    if (followed.kind === 'lost') return;
    this.#table = updateTable(this.#table, followed, this.#parts.settings.prefix);
    this.#others.set(
      'leases that are not understood',
      [...this.#table.problems].map(([name, { problem }]) => `${cutForeign(name)}: ${cutForeign(problem)}`),
    );
    this.#holder.follow(this.#table);
    this.#wakeup.wake();
  }

  #listen(what: Pick<KernelMonitorOptions, 'command' | 'concerns'>, signal: AbortSignal): Promise<void> {
    const { listen, log } = this.#parts;
    return monitorKernel({ ...what, listen, log, wake: () => this.#wakeup.wake() }, signal);
  }

  async #reconcileUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#problems.during('the overlay', () => this.#reconcile());
      await this.#hurry.wait(restMs, signal);
      await this.#wakeup.wait(this.#parts.settings.resyncMs, signal);
    }
  }

  async #reconcile(): Promise<void> {
    const config = this.#currentConfig();
    if (config === undefined) return;
    await this.#problems.during('the underlay', () => this.#observeUnderlay(config));
    if (this.#outer === undefined) return;
    const [outer, lease] = [this.#outer, this.#lease()];
    if (lease === undefined) return this.#problems.try('subnet.env', () => this.#giveUp(config, outer));
    const target = this.#aimAt(config, outer, lease);
    await this.#apply(target);
    this.#problems.try('subnet.env', () => this.#publish(target, lease));
  }

  /** The last one that was understood, and that leaves containers the subnet that they run on. */
  #currentConfig(): NetworkConfig | undefined {
    const { config } = this.#table;
    if (config === undefined || 'problem' in config) return this.#config;
    const lease = this.#lease();
    if (this.#config === undefined || lease === undefined || isAround(config, lease)) this.#config = config;
    return this.#config;
  }

  /** Who this host is on the underlay, told to the holder of the lease once nothing speaks against the overlay. */
  async #observeUnderlay(config: NetworkConfig): Promise<void> {
    const { machine, settings, run } = this.#parts;
    const outer = await inquireAsync(outerInquiry(settings.outer, machine), run);
    this.#outer = outer;
    this.#heard = { ...this.#heard, outer: outer.name };
    // Containers that run already are not helped by what would have kept them from coming.
    if (!this.#isMember()) await checkOverlap(config, { settings, table: this.#table, run });
    this.#holder.setSelf(selfOf(config, outer));
  }

  /** Whether this host has a subnet of the overlay, be it from a run before this one. */
  #isMember(): boolean {
    const isOwn = ({ node }: SubnetLease) => node === this.#parts.node;
    return this.#lease() !== undefined || this.#table.leases.values().some(isOwn);
  }

  /** The lease that the kernel is to be made for: what is lost is kept up until there is another. */
  #lease(): SubnetLease | undefined {
    const { state } = this.#holder;
    if (state.kind === 'held') return state.lease;
    return state.kind === 'lost' ? state.previous : undefined;
  }

  #aimAt(config: NetworkConfig, outer: Outer, own: SubnetLease): Target {
    const { machine, settings } = this.#parts;
    const { mode, bridge } = settings;
    const target = targetOf({
      mode,
      bridge: hasInterface(machine, bridge) ? bridge : undefined,
      outer,
      config,
      own,
      taken: takenFamilies(this.#holder.state, this.#table.leases.values(), this.#parts.node),
      leases: this.#table.leases.values(),
    });
    this.#heard = heardOf(target, outer.name);
    this.#target = target;
    return target;
  }

  async #apply(target: Target): Promise<void> {
    const { machine, run, settings } = this.#parts;
    const isSame = this.#journal.isSame(target);
    const networks = settings.ipMasq ? Object.values(target.networks) : [];
    const { readProc, writeProc } = machine;
    const { done, problems } = await reconcile(target, { run, readProc, writeProc }, networks);
    this.#problems.set('the kernel', problems);
    if (isSame) this.#journal.noteRepairs(done);
    if (problems.length > 0 && !isSame) this.#journal.forgetTarget();
  }

  /** Not before the kernel is ready, so that an ADD that finds the file finds the way to the others. */
  #publish(target: Target, { name }: SubnetLease): void {
    const { state } = this.#holder;
    const { settings, machine } = this.#parts;
    // What has been leased meanwhile is not what the kernel was made for.
    if (state.kind !== 'held' || state.lease.name !== name) return;
    const isReady = target.planes.every(({ plane }) => hasInterface(machine, plane.device));
    const isWhole = Object.keys(state.lease.endpoints).every((family) => family in target.networks);
    if (isReady && isWhole) publish(settings, { ...state, target }, readBootId(machine));
  }

  /** What the run before has left for ADDs holds until its lease ends, unless another host has leased it since. */
  #giveUp(config: NetworkConfig, outer: Outer): void {
    const { settings, node, log } = this.#parts;
    const identity = { node, self: selfOf(config, outer) };
    const taker = withdrawTaken(settings, this.#table, identity);
    if (taker !== undefined)
      log.error(`the subnet in ${settings.subnetFile} belongs to ${taker} now: it is removed`);
  }

  #uptimeSeconds(): number {
    return readUptimeSeconds(this.#parts.machine) ?? 0;
  }
}
