import { messageOf } from '../errors/cni-error.ts';
import type { Log, LogFields } from '../log/log.ts';
import type { Change, Instance } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';
import { type Clock, systemClock } from './clock.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import { type CheckedStatus, judge } from './judge.ts';
import { firstDelayMs, nextStartMs } from './pace.ts';
import { runProbe } from './probe.ts';
import type { ActiveProbe, ProbeResult } from './probe-attempt.ts';
import { StatusWriter, type StatusWriterOptions } from './status-writer.ts';
import { adoptStatus, isSameSubject, nextDeadlineMs, type Tracked, toChecked, track } from './tracked.ts';

export type HealthSchedulerOptions = Pick<StatusWriterOptions, 'setStatus' | 'remove'> & {
  /** The id of this machine: only its instances are checked here. */
  readonly node: string;
  readonly view: Pick<RegistryView, 'all' | 'get' | 'onChange' | 'refresh'>;
  /** Told of each change of status, and of failures to write one. */
  readonly log?: Log;
  readonly clock?: Clock;
  /** From 0 up to, and without, 1. */
  readonly random?: () => number;
  /** Probes under way at once; those beyond wait, the longest due first. 200 unless set. */
  readonly mostAtOnce?: number;
  readonly probe?: typeof runProbe;
};

/** For the metrics; what is not a gauge counts from the start. */
export type HealthStats = {
  /** Gauge: instances that are checked, by probe or TTL. */
  readonly checks: number;
  /** Gauge: probes under way. */
  readonly probing: number;
  /** Gauge: how late the longest waiting probe is, in milliseconds; it grows when there are too many for `mostAtOnce`. */
  readonly lateMs: number;
  readonly probesPassed: number;
  readonly probesFailed: number;
  /** Milliseconds that all probes took together. */
  readonly probesMs: number;
  readonly toPassing: number;
  readonly toCritical: number;
  readonly heartbeats: number;
  /** TTLs that passed without a heartbeat. */
  readonly expired: number;
  /** Transactions made, and those that failed. */
  readonly writes: number;
  readonly writeFailures: number;
  readonly removed: number;
};

const defaultMostAtOnce = 200;

/** A timer so late means that the process stood still: what was silent meanwhile could not be heard. */
const standstillMs = 1_000;

/**
 * Checks the instances of this machine and writes what it finds to the registry. It follows the view: what comes is
 * checked, what goes is left alone, and so is what drains.
 */
export class HealthScheduler implements Disposable {
  readonly #node: string;
  readonly #view: HealthSchedulerOptions['view'];
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #probe: typeof runProbe;
  readonly #mostAtOnce: number;
  readonly #writer: StatusWriter;
  readonly #tracked = new Map<string, Tracked>();
  /** When the next probe of each begins, but for those under way. */
  readonly #starts = new DeadlineHeap<Tracked>();
  /** When a TTL passes or an instance leaves: these wait for no free place. */
  readonly #deadlines = new DeadlineHeap<Tracked>();
  readonly #unsubscribe: () => void;
  #probing = 0;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #isDisposed = false;
  readonly #counts = {
    probesPassed: 0,
    probesFailed: 0,
    probesMs: 0,
    toPassing: 0,
    toCritical: 0,
    heartbeats: 0,
    expired: 0,
  };

  constructor({ node, view, setStatus, remove, ...options }: HealthSchedulerOptions) {
    this.#node = node;
    this.#view = view;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#log = options.log ?? silent;
    this.#probe = options.probe ?? runProbe;
    this.#mostAtOnce = options.mostAtOnce ?? defaultMostAtOnce;
    this.#writer = new StatusWriter({ view, setStatus, remove, clock: this.#clock, log: this.#log });
    for (const instance of view.all()) this.#consider(instance, false);
    this.#unsubscribe = view.onChange((changes) => this.#follow(changes));
    this.#pump();
  }

  /**
   * An instance's own report. `unknown` where there is none of that id on this machine: it has to be registered again;
   * `no-ttl` where it is not the one to report.
   */
  heartbeat(id: string, status: CheckedStatus): 'ok' | 'unknown' | 'no-ttl' {
    this.#view.refresh();
    const instance = this.#view.get(id);
    if (instance === undefined || instance.owner.node !== this.#node) return 'unknown';
    if (instance.check?.probe.kind !== 'ttl') return 'no-ttl';
    this.#counts.heartbeats++;
    const tracked = this.#tracked.get(id);
    if (tracked === undefined) return 'ok';
    tracked.heardAtMs = this.#clock.nowMs();
    if (tracked.judgement.status !== status) this.#turn(tracked, status, 'as it reports');
    else if (this.#writer.pendingOf(id) === 'removed') this.#writer.set(id, status);
    this.#setDeadline(tracked);
    this.#arm();
    return 'ok';
  }

  /** What the last probe of an instance found; undefined before the first, and where it reports by itself. */
  lastResult(id: string): ProbeResult | undefined {
    return this.#tracked.get(id)?.lastResult;
  }

  get stats(): HealthStats {
    const { writes, writeFailures, removed } = this.#writer.counts;
    return {
      checks: this.#tracked.size,
      probing: this.#probing,
      lateMs: Math.max(0, this.#clock.nowMs() - this.#starts.firstAtMs),
      ...this.#counts,
      writes,
      writeFailures,
      removed,
    };
  }

  /** Calls off what is under way and writes what is known. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    for (const { probing } of this.#tracked.values()) probing?.abort();
    this.#writer[Symbol.dispose]();
  }

  #follow(changes: readonly Change[]): void {
    for (const { kind, instance } of changes) {
      if (kind === 'remove') this.#untrack(instance.id);
      else this.#consider(instance, true);
    }
    this.#pump();
  }

  #consider(instance: Instance, isNewcomer: boolean): void {
    const checked = toChecked(instance, this.#node);
    const known = this.#tracked.get(instance.id);
    if (checked === undefined) {
      this.#untrack(instance.id);
      return;
    }
    if (known !== undefined && isSameSubject(known.instance, instance)) {
      // Whoever registers again lives; our own writes change the status.
      if (known.instance.status === instance.status) known.heardAtMs = this.#clock.nowMs();
      known.instance = instance;
      // Otherwise our own verdict is on its way, and newer.
      if (this.#writer.pendingOf(instance.id) === undefined) {
        adoptStatus(known, checked.status, this.#clock.nowMs());
        this.#setDeadline(known);
      }
      return;
    }
    this.#untrack(instance.id);
    this.#begin(track(checked, this.#clock.nowMs()), isNewcomer);
  }

  #begin(tracked: Tracked, isNewcomer: boolean): void {
    const { check, instance } = tracked;
    this.#tracked.set(instance.id, tracked);
    this.#setDeadline(tracked);
    if (check.probe.kind === 'ttl') return;
    this.#starts.set(tracked, tracked.wellAtMs + firstDelayMs(check, isNewcomer, this.#random()));
  }

  #untrack(id: string): void {
    const tracked = this.#tracked.get(id);
    if (tracked === undefined) return;
    this.#tracked.delete(id);
    this.#starts.delete(tracked);
    this.#deadlines.delete(tracked);
    tracked.probing?.abort();
  }

  /** Does all that is due and waits for what is next. */
  #pump(): void {
    if (this.#isDisposed) return;
    const nowMs = this.#clock.nowMs();
    for (let due = this.#deadlines.takeDue(nowMs); due !== undefined; due = this.#deadlines.takeDue(nowMs)) {
      this.#endTime(due);
    }
    while (this.#probing < this.#mostAtOnce) {
      const due = this.#starts.takeDue(nowMs);
      if (due === undefined) break;
      void this.#ask(due);
    }
    this.#arm();
  }

  #arm(): void {
    const startAtMs = this.#probing < this.#mostAtOnce ? this.#starts.firstAtMs : Number.POSITIVE_INFINITY;
    const atMs = Math.min(startAtMs, this.#deadlines.firstAtMs);
    if (this.#isDisposed || atMs === Number.POSITIVE_INFINITY) return;
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const delayMs = Math.max(0, atMs - this.#clock.nowMs());
    this.#timer = { atMs, cancel: this.#clock.after(delayMs, () => this.#wake(atMs)) };
  }

  #wake(atMs: number): void {
    this.#timer = undefined;
    const lateMs = this.#clock.nowMs() - atMs;
    if (lateMs > standstillMs) this.#forgive(lateMs);
    this.#pump();
  }

  /** Heartbeats of a time in which the process stood still (stopped, or its machine was moved) are still to be read. */
  #forgive(lateMs: number): void {
    for (const tracked of this.#tracked.values()) {
      if (tracked.check.probe.kind !== 'ttl') continue;
      tracked.heardAtMs += lateMs;
      this.#setDeadline(tracked);
    }
  }

  async #ask(tracked: Tracked): Promise<void> {
    const { probe, timeoutMs } = tracked.check;
    if (probe.kind === 'ttl') return;
    const calledOff = new AbortController();
    tracked.probing = calledOff;
    this.#probing++;
    const startedAtMs = this.#clock.nowMs();
    const result = await this.#probeOnce(probe, tracked.instance, { timeoutMs, signal: calledOff.signal });
    this.#probing--;
    tracked.probing = undefined;
    if (!calledOff.signal.aborted) this.#learn(tracked, result, startedAtMs);
    this.#pump();
  }

  async #probeOnce(
    probe: ActiveProbe,
    target: Instance,
    limits: Parameters<typeof runProbe>[2],
  ): Promise<ProbeResult> {
    try {
      return await this.#probe(probe, target, limits);
    } catch (error) {
      return { ok: false, output: messageOf(error), latencyMs: 0 };
    }
  }

  #learn(tracked: Tracked, result: ProbeResult, startedAtMs: number): void {
    const { check } = tracked;
    tracked.lastResult = result;
    this.#counts[result.ok ? 'probesPassed' : 'probesFailed']++;
    this.#counts.probesMs += result.latencyMs;
    if (result.ok) tracked.wellAtMs = startedAtMs;
    const { judgement, transition } = judge(tracked.judgement, result.ok, check);
    tracked.judgement = judgement;
    if (transition !== undefined) this.#turn(tracked, transition, result.output);
    const failures = judgement.status === 'passing' ? judgement.against : 0;
    const past = { startedAtMs, wellAtMs: tracked.wellAtMs, failures };
    this.#starts.set(tracked, nextStartMs(check, past, this.#random()));
  }

  #turn(tracked: Tracked, status: CheckedStatus, reason: string): void {
    const { instance } = tracked;
    tracked.judgement = { status, against: 0 };
    tracked.criticalSinceMs = status === 'critical' ? this.#clock.nowMs() : undefined;
    this.#counts[status === 'passing' ? 'toPassing' : 'toCritical']++;
    this.#writer.set(instance.id, status);
    this.#setDeadline(tracked);
    const level = status === 'passing' ? 'info' : 'warn';
    this.#log[level](`an instance is ${status}`, { ...nameOf(instance), reason });
  }

  #setDeadline(tracked: Tracked): void {
    const atMs = nextDeadlineMs(tracked);
    if (atMs === undefined) this.#deadlines.delete(tracked);
    else this.#deadlines.set(tracked, atMs);
  }

  /** A TTL has passed, or an instance has been critical or silent for too long. */
  #endTime(tracked: Tracked): void {
    const { instance, judgement } = tracked;
    if (judgement.status === 'passing') {
      this.#counts.expired++;
      this.#turn(tracked, 'critical', 'its heartbeat stayed away');
      return;
    }
    this.#writer.set(instance.id, 'removed');
    this.#log.warn(
      'an instance leaves the registry: it was critical or silent for too long',
      nameOf(instance),
    );
  }
}

function nameOf({ id, namespace, service, address, port }: Instance): LogFields {
  return { id, namespace, service, address, port };
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
