import { EtcdError } from '../../etcd/etcd.ts';
import type { GrantKeeper } from '../../etcd/grant.ts';
import type { Log } from '../../log/log.ts';
import { addressesOf } from './clone.ts';
import type { SubnetLease } from './lease.ts';
import { describeOwner, type Entry, findTaker, type Identity } from './owner.ts';
import { type LeasePlan, planLease } from './plan.ts';
import type { LeaseRecord } from './record.ts';
import type { LeaseStore } from './store.ts';
import type { LeaseTable } from './table.ts';

export type LeaseSettlerParts = {
  readonly store: LeaseStore;
  readonly grants: GrantKeeper;
  readonly record: LeaseRecord;
  readonly log: Log;
  readonly prefix: string;
  /** As Math.random. */
  readonly random: () => number;
};

/** How many others may be faster in a row before that is a failure. */
const mostAttempts = 50;

type PlanOf<Kind extends LeasePlan['kind']> = Extract<LeasePlan, { readonly kind: Kind }>;

/** Leads a host's lease to what it should be: reads, decides, writes if it is still so, and reads again. */
export class LeaseSettler {
  readonly #parts: LeaseSettlerParts;
  /** The key of the lease that is held, as it was read. */
  #entry: Entry | undefined;
  /** That were to be written in our key, also where the answer was lost. */
  readonly #addresses = new Set<string>();
  /** Whether etcd is known to have had one of them. */
  #hasWritten = false;
  #isRepaired = false;

  constructor(parts: LeaseSettlerParts) {
    this.#parts = parts;
  }

  /** Whether a table has our key as we have left it. */
  isAsLeft({ leases }: LeaseTable): boolean {
    const { held } = this.#parts.record;
    if (held === undefined || this.#entry === undefined) return false;
    const found = leases.get(held.name);
    return found?.modRevision === this.#entry.modRevision && found.etcdLease === this.#entry.etcdLease;
  }

  /**
   * Afterwards a lease is held, or it is known what there is to wait for.
   * @returns whether somebody else had written our key
   * @throws EtcdError
   */
  async settle(identity: Identity, signal: AbortSignal): Promise<{ readonly isRepaired: boolean }> {
    this.#isRepaired = false;
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const table = await this.#parts.store.read(signal);
      signal.throwIfAborted();
      const plan = this.#plan(table, identity);
      this.#noteLoss(plan, table, identity);
      if (await this.#carryOut(plan, signal)) return { isRepaired: this.#isRepaired };
      signal.throwIfAborted();
    }
    throw new Error(`the leases have changed ${mostAttempts} times while a subnet was being leased`);
  }

  /**
   * @returns false where etcd has ended the lease
   * @throws EtcdError
   */
  async renew(signal: AbortSignal): Promise<boolean> {
    const { grants, record } = this.#parts;
    const { current } = grants;
    const renewed = current && (await grants.renew(current, signal));
    signal.throwIfAborted();
    if (renewed === undefined || record.held === undefined) return false;
    record.hold(record.held, renewed.untilSeconds);
    return true;
  }

  /** When the lease is to be renewed; undefined for one that does not end. */
  get renewAt(): number | undefined {
    const { record, grants } = this.#parts;
    return record.untilSeconds === undefined ? undefined : grants.current?.renewAtSeconds;
  }

  #plan(table: LeaseTable, identity: Identity): LeasePlan {
    const { record, grants, prefix, random } = this.#parts;
    return planLease({
      table,
      prefix,
      identity,
      held: record.held && this.#entry,
      addresses: this.#hasWritten ? this.#addresses : undefined,
      etcdLease: grants.current?.id,
      preferred: record.preferred,
      random,
    });
  }

  /** What is planned may be for another key than the one that was held. */
  #noteLoss(plan: LeasePlan, table: LeaseTable, identity: Identity): void {
    const { record } = this.#parts;
    if (record.held === undefined || concerns(plan, record.held)) return;
    const taker = takerOf(plan) ?? findTaker(table, record.held, identity);
    const because = taker === undefined ? 'its key is gone from etcd' : describeLoss(plan, taker);
    record.lose(because, taker && describeOwner(taker));
  }

  /** @returns whether nothing is left to do; otherwise etcd is to be read again */
  async #carryOut(plan: LeasePlan, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#write(plan, signal);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.kind !== 'lease-lost') throw error;
      this.#parts.grants.forget();
      return false;
    }
  }

  async #write(plan: LeasePlan, signal: AbortSignal): Promise<boolean> {
    const { record } = this.#parts;
    switch (plan.kind) {
      case 'keep':
        this.#keep(plan);
        return true;
      case 'wait':
      case 'leave':
        record.wait(plan.because);
        return true;
      case 'rewrite':
        await this.#rewrite(plan, signal);
        return false;
      case 'give-way':
        await this.#giveWay(plan, signal);
        return false;
      case 'claim':
        await this.#claim(plan, signal);
        return false;
    }
  }

  #keep({ entry, lease }: PlanOf<'keep'>): void {
    const { grants, record } = this.#parts;
    this.#entry = entry;
    this.#intend(lease);
    this.#hasWritten = true;
    record.hold(lease, entry.etcdLease === undefined ? undefined : grants.current?.untilSeconds);
  }

  async #giveWay({ entry, to }: PlanOf<'give-way'>, signal: AbortSignal): Promise<void> {
    this.#parts.log.warn('a lease is given back: another that overlaps with it was there before', {
      lease: entry.name,
      other: to.name,
      of: describeOwner(to),
    });
    await this.#parts.store.remove(entry, signal);
  }

  async #rewrite({ entry, lease }: PlanOf<'rewrite'>, signal: AbortSignal): Promise<void> {
    const { store, grants } = this.#parts;
    this.#noteRepair(entry);
    const etcdLease = entry.etcdLease === undefined ? undefined : (await grants.ensure(signal)).id;
    this.#intend(lease);
    if (await store.rewrite({ entry, lease, etcdLease }, signal)) this.#hasWritten = true;
  }

  async #claim({ lease }: PlanOf<'claim'>, signal: AbortSignal): Promise<void> {
    const { store, grants } = this.#parts;
    const { id } = await grants.ensure(signal);
    this.#intend(lease);
    if (await store.claim(lease, id, signal)) this.#hasWritten = true;
  }

  #intend(lease: SubnetLease): void {
    for (const address of addressesOf(lease)) this.#addresses.add(address);
  }

  #noteRepair(entry: Entry): void {
    const { record, log } = this.#parts;
    if (entry.name !== record.held?.name || entry.modRevision === this.#entry?.modRevision) return;
    this.#isRepaired = true;
    log.warn(`somebody else has changed the lease of this host, which is written again`, {
      lease: entry.name,
      of: describeOwner(entry),
    });
  }
}

function takerOf(plan: LeasePlan): Entry | undefined {
  if (plan.kind === 'leave') return plan.entry;
  return plan.kind === 'give-way' ? plan.to : undefined;
}

function describeLoss(plan: LeasePlan, taker: Entry): string {
  return plan.kind === 'leave' ? plan.because : `${taker.name} is leased by ${describeOwner(taker)}`;
}

function concerns(plan: LeasePlan, { name }: SubnetLease): boolean {
  return (plan.kind === 'keep' || plan.kind === 'rewrite') && plan.entry.name === name;
}
