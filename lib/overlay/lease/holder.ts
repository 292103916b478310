import { backoffMs } from '../../client/backoff.ts';
import { News } from '../../daemon/news.ts';
import { Wakeup } from '../../daemon/wakeup.ts';
import { messageOf } from '../../errors/cni-error.ts';
import type { Etcd } from '../../etcd/etcd.ts';
import { GrantKeeper } from '../../etcd/grant.ts';
import { TimeLimit } from '../../http/time-limit.ts';
import type { Log } from '../../log/log.ts';
import type { Subnets } from './lease.ts';
import { isSameSelf, type Self } from './owner.ts';
import { usableConfig } from './plan.ts';
import { leaseProblems } from './problems.ts';
import { LeaseRecord, type LeaseState } from './record.ts';
import { LeaseSchedule } from './schedule.ts';
import { LeaseSettler } from './settler.ts';
import { LeaseStore } from './store.ts';
import type { LeaseTable } from './table.ts';

export type LeaseHolderOptions = {
  readonly etcd: Etcd;
  /** Without a slash at its end. */
  readonly prefix: string;
  readonly ttlSeconds: number;
  /** The id of this machine, by which it knows its lease again when its address has changed. */
  readonly node: string;
  /** The subnets that the host had in its last run: they are claimed again where they are free. */
  readonly previous: Subnets;
  readonly log: Log;
  /** Of a clock that goes on while the machine is suspended, as that of /proc/uptime does. */
  readonly nowSeconds: () => number;
  /** Called after each change of `state` or `problems`. */
  readonly onChange: () => void;
  /** As Math.random. */
  readonly random?: () => number;
};

/** How long a host that waits for a subnet looks away while nothing is heard. */
const lookAgainSeconds = 10;
const longestRetrySeconds = 5;
/** Until `setSelf` is called. */
const longestPauseMs = 10_000;

/**
 * Owns this host's lease: claims it, keeps it alive, and claims again what is lost. What the table tells is only a reason
 * to look: decisions are made from what etcd has at that moment, and carried out only if it still has it.
 *
 * The lease is not revoked at the end: the containers outlive the process, and the next one takes the lease over.
 */
export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  readonly #record: LeaseRecord;
  readonly #settler: LeaseSettler;
  readonly #schedule = new LeaseSchedule();
  readonly #wakeup = new Wakeup();
  #self: Self | undefined;
  #table: LeaseTable | undefined;
  #failures = 0;
  #trouble: string | undefined;
  /** Troubles since etcd last answered; each is logged once, though the endpoints take turns. */
  readonly #logged = new Set<string>();
  #problems: readonly string[] = [];
  readonly #news = new News();

  constructor({ random = Math.random, ...options }: LeaseHolderOptions) {
    const { etcd, prefix, log } = options;
    this.#options = options;
    this.#record = new LeaseRecord({ ...options, onChange: () => this.#tell() });
    const parts = {
      store: new LeaseStore(etcd, prefix),
      grants: new GrantKeeper(options),
      record: this.#record,
    };
    this.#settler = new LeaseSettler({ ...parts, log, prefix, random });
  }

  get state(): LeaseState {
    return this.#record.state;
  }

  /** Why etcd does not answer, or not as it should. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** What is wrong with this host's lease among those of others, in words for the operator. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** To be called after each change of the table. */
  follow(table: LeaseTable): void {
    this.#table = table;
    if (!this.#settler.isAsLeft(table)) this.#schedule.settleAfterRest(this.#now());
    this.#wakeup.wake();
  }

  /** How this host is reached, as its lease tells the others; nothing is claimed before this is known. */
  setSelf(self: Self): void {
    if (this.#self !== undefined && isSameSelf(this.#self, self)) return;
    this.#self = self;
    this.#schedule.settleBy(0);
    this.#wakeup.wake();
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#round(signal);
      await this.#wakeup.wait(this.#pauseMs(), signal);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    this.#expire();
    try {
      await this.#work(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(messageOf(error));
    }
    if (signal.aborted) return;
    this.#expire();
    this.#report();
  }

  /** Whatever etcd may have by now: who cannot renew a lease must not use it. */
  #expire(): void {
    const { untilSeconds } = this.#record;
    if (untilSeconds === undefined || this.#now() < untilSeconds) return;
    this.#record.lose(
      `it was not renewed in time${this.#trouble === undefined ? '' : `: ${this.#trouble}`}`,
      undefined,
    );
    this.#schedule.renewBy(undefined);
    this.#schedule.settleBy(0);
  }

  async #work(signal: AbortSignal): Promise<void> {
    const due = this.#schedule.dueAt(this.#now());
    if (this.#self === undefined) return this.#waitForSelf();
    if (due === undefined) return;
    // The end of the lease is not missed, however long etcd takes to answer.
    using limit = new TimeLimit([signal], this.#msLeft());
    if (due === 'settle' || !(await this.#renew(limit.signal))) await this.#settle(this.#self, limit.signal);
    this.#recover();
  }

  /** Who sets it may be waiting for the same. */
  #waitForSelf(): void {
    if (this.#table === undefined) return;
    const config = usableConfig(this.#table, this.#options.prefix);
    this.#record.wait('problem' in config ? config.problem : 'it is not known yet how this host is reached');
  }

  /** @returns whether etcd still had it */
  async #renew(signal: AbortSignal): Promise<boolean> {
    this.#schedule.renewBy(this.#now() + this.#retrySeconds());
    const isRenewed = await this.#settler.renew(signal);
    this.#schedule.renewBy(this.#settler.renewAt);
    return isRenewed;
  }

  async #settle(self: Self, signal: AbortSignal): Promise<void> {
    this.#schedule.beginSettling();
    try {
      const { isRepaired } = await this.#settler.settle({ node: this.#options.node, self }, signal);
      this.#schedule.settled(this.#now(), { isRepaired });
    } catch (error) {
      this.#schedule.settleBy(this.#now() + this.#retrySeconds());
      throw error;
    }
    this.#schedule.renewBy(this.#settler.renewAt);
    if (this.#record.held === undefined) this.#schedule.settleBy(this.#now() + lookAgainSeconds);
  }

  #retrySeconds(): number {
    return Math.min(backoffMs(this.#failures + 1) / 1_000, longestRetrySeconds);
  }

  #fail(because: string): void {
    this.#failures++;
    if (this.#record.held === undefined) this.#record.wait(because);
    else if (!this.#logged.has(because)) this.#options.log.warn(`the lease is not renewed: ${because}`);
    this.#logged.add(because);
    this.#trouble = because;
  }

  #recover(): void {
    if (this.#trouble !== undefined) this.#options.log.info('etcd answers again');
    this.#trouble = undefined;
    this.#logged.clear();
    this.#failures = 0;
  }

  /** Tells of what is wrong beside the state itself. */
  #report(): void {
    const { node, log } = this.#options;
    const identity = { node, self: this.#self ?? {} };
    const problems = this.#table ? leaseProblems(this.#table, identity, this.#record.held) : [];
    if (problems.join('\n') === this.#problems.join('\n')) return;
    for (const line of this.#news.take(problems)) log.warn(line);
    this.#problems = problems;
    this.#tell();
  }

  /** What the owner does with the news must not end the watch over the lease. */
  #tell(): void {
    try {
      this.#options.onChange();
    } catch (error) {
      this.#options.log.error(`after a change of the lease: ${messageOf(error)}`);
    }
  }

  #pauseMs(): number {
    return this.#self === undefined
      ? longestPauseMs
      : this.#schedule.pauseMs(this.#now(), this.#record.untilSeconds);
  }

  #msLeft(): number | undefined {
    const { untilSeconds } = this.#record;
    return untilSeconds === undefined ? undefined : Math.max(0, (untilSeconds - this.#now()) * 1_000);
  }

  #now(): number {
    return this.#options.nowSeconds();
  }
}
