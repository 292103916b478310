import type { Problems } from '../daemon/problems.ts';
import { formatAddress } from '../net/address.ts';
import type { Action } from './action.ts';
import type { NodeId } from './block.ts';
import { nameOf } from './block-name.ts';
import { carryOut } from './carry-out.ts';
import { decide } from './decide.ts';
import { dispensable } from './decide-giving.ts';
import { describeStrays } from './describe-strays.ts';
import type { BlockHolderOptions } from './holder-options.ts';
import { Memory } from './memory.ts';
import { type Own, ownOf } from './own.ts';
import { Preparation } from './preparation.ts';
import type { SharePublisher } from './share-publisher.ts';
import { shortages } from './shortage.ts';
import { byText, countFree, type Standing } from './standing.ts';
import type { BlockStore } from './store.ts';
import { straysOf } from './strays.ts';
import type { BlockTable } from './table.ts';

export type StepperParts = BlockHolderOptions & {
  readonly store: BlockStore;
  readonly share: SharePublisher;
  readonly problems: Problems;
};

/** So many steps are made in a row; more come in the next round. */
const mostSteps = 100;

/** After etcd has lost blocks, hosts look for so long for what they had before any takes something new. */
const searchMs = 2_000;

/** Leads a host from one step to the next until there is none. */
export class Stepper {
  readonly #parts: StepperParts;
  readonly #memory = new Memory();
  readonly #preparation: Preparation;
  readonly #asked = new Map<string, number>();
  readonly #told = new Map<string, number>();
  /** Borrowed addresses by text, with whom they are of. */
  #borrowed: ReadonlyMap<string, NodeId> = new Map();
  #idle: ReadonlyMap<string, number> = new Map();
  #takeFromMs = 0;
  #hadPools = false;
  #isFirst = true;
  #strays = '';

  constructor(parts: StepperParts) {
    this.#parts = parts;
    this.#preparation = new Preparation(parts.prepare);
  }

  /**
   * Brings what is this host's to the knowledge of its plugins, and, if it may write, makes every step there is.
   * @throws EtcdError; CniError where the share cannot be written
   */
  async advance(mayWrite: () => boolean, signal: AbortSignal): Promise<void> {
    if (this.#isFirst) await this.#doubtAll(signal);
    for (let step = 0; step < mostSteps; step++) {
      const standing = await this.#stand(await this.#parts.store.settledTable(signal));
      signal.throwIfAborted();
      if (!mayWrite()) return;
      const action = decide(standing);
      if (action === undefined) return this.#report(standing);
      await this.#act(action, signal);
    }
  }

  /** The run before this one may have ended while a write was under way. */
  async #doubtAll(signal: AbortSignal): Promise<void> {
    const { store, node } = this.#parts;
    const { blocks, borrowed } = ownOf(await store.settledTable(signal), node);
    for (const block of [...blocks, ...borrowed.map((each) => each.block)]) store.doubt(block);
    this.#isFirst = false;
  }

  async #stand(table: BlockTable): Promise<Standing> {
    const { node, settings, leases, share, problems, nowMs } = this.#parts;
    const own = ownOf(table, node);
    this.#noteLoss(table);
    this.#noteAnswers(own);
    await problems.during('the ways to our addresses', () => this.#preparation.ensure(own));
    share.publish({ own, table, reachable: this.#preparation.borrowedOf(own) });
    const leasing = { ranges: share.ranges, leased: byText(leases.addresses()) };
    const standing: Standing = {
      ...{ node, settings, table, own, nowMs: nowMs() },
      ...{ asked: this.#asked, told: this.#told, idle: this.#idle, memory: this.#memory },
      ...leasing,
      free: countFree(leasing),
      prepared: this.#preparation.blocksOf(own),
      mayTake: nowMs() >= this.#takeFromMs,
    };
    return { ...standing, idle: this.#noteIdle(standing) };
  }

  #noteLoss(table: BlockTable): void {
    const { node, nowMs, log } = this.#parts;
    const isLost = this.#memory.note(table, node);
    const arePoolsAway = this.#hadPools && table.pools.size === 0;
    if (isLost) log.warn('etcd has lost blocks of this host: what is leased is claimed again');
    if (isLost || arePoolsAway) this.#takeFromMs = nowMs() + searchMs;
    this.#hadPools ||= table.pools.size > 0;
  }

  /** Who has lent something may be asked again at once. */
  #noteAnswers({ borrowed }: Own): void {
    const found = new Map(borrowed.map((each) => [formatAddress(each.address), each.block.node]));
    for (const [text, lender] of found) if (!this.#borrowed.has(text)) this.#asked.delete(lender);
    this.#borrowed = found;
  }

  #noteIdle(standing: Standing): ReadonlyMap<string, number> {
    const { nowMs, idle } = standing;
    this.#idle = new Map(dispensable(standing).map((what) => [what, idle.get(what) ?? nowMs]));
    return this.#idle;
  }

  async #act(action: Action, signal: AbortSignal): Promise<void> {
    const { nowMs, share } = this.#parts;
    const withhold = share.withhold.bind(share);
    const isDone = await carryOut(action, { ...this.#parts, memory: this.#memory, withhold }, signal);
    if (!isDone) return;
    if (action.kind === 'want') this.#asked.set(action.block.node, nowMs());
    if (action.kind === 'tell') this.#told.set(nameOf(action.block), nowMs());
  }

  #report(standing: Standing): void {
    const { problems } = this.#parts;
    problems.set('free addresses', shortages(standing));
    const strays = straysOf(standing);
    const text = strays.map((stray) => `${stray.text} ${stray.block?.node}`).join();
    // To find the containers takes reading every lease.
    if (text === this.#strays) return;
    this.#strays = text;
    const leases = strays.length === 0 ? [] : this.#parts.leases.list();
    problems.set('addresses of others', describeStrays(strays, standing.table, leases));
  }
}
