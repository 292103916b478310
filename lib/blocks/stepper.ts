import type { Problems } from '../daemon/problems.ts';
import { formatAddress, type IpAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import { carryOut, type Outcome } from './carry-out.ts';
import type { Action } from './decide/action.ts';
import { decide } from './decide/decide.ts';
import { dispensable } from './decide/decide-giving.ts';
import { shortages } from './decide/shortage.ts';
import { byText, countFree, type Standing } from './decide/standing.ts';
import { straysOf } from './decide/strays.ts';
import { apartFrom, underlayOf } from './decide/underlay.ts';
import { UnknownBlocks } from './decide/unknown-blocks.ts';
import type { BlockHolderOptions } from './holder-options.ts';
import { describeStrays } from './leases/describe-strays.ts';
import { Unleased } from './leases/unleased.ts';
import { Memory } from './memory.ts';
import { Preparation } from './preparation.ts';
import type { PresenceState } from './presence.ts';
import { shareBefore } from './share/share-before.ts';
import type { SharePublisher } from './share/share-publisher.ts';
import type { NodeId } from './table/block.ts';
import { nameOf } from './table/block-name.ts';
import { type Own, ownOf, withoutBlocks } from './table/own.ts';
import type { BlockStore } from './table/store.ts';
import type { BlockTable } from './table/table.ts';

export type StepperParts = BlockHolderOptions & {
  readonly store: BlockStore;
  readonly share: SharePublisher;
  readonly problems: Problems;
  /** On links of this host. */
  readonly networks: () => readonly Cidr[];
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
  readonly #unleased: Unleased;
  readonly #suspended = new Map<string, number>();
  readonly #asked = new Map<string, number>();
  readonly #told = new Map<string, number>();
  /** Borrowed addresses by text, with whom they are of. */
  #borrowed: ReadonlyMap<string, NodeId> = new Map();
  #idle: ReadonlyMap<string, number> = new Map();
  #unknown: UnknownBlocks | undefined;
  #takeFromMs = 0;
  #hadPools = false;
  #isFirst = true;
  #strays = '';

  constructor(parts: StepperParts) {
    this.#parts = parts;
    this.#preparation = new Preparation(parts);
    this.#unleased = new Unleased({ ...parts, intervalMs: parts.settings.leakIntervalMs });
  }

  /**
   * Brings what is this host's to the knowledge of its plugins, and makes every step there is. Before it is known whether
   * another machine has this one's id, everything stays as it was; while one has, nothing is leased here.
   * @throws EtcdError; CniError where the share cannot be written
   */
  async advance(presence: () => PresenceState, signal: AbortSignal): Promise<void> {
    for (let step = 0; step < mostSteps; step++) {
      const state = presence();
      if (state === 'cloned') return this.#shareNothing(signal);
      if (state === 'unknown' || !(await this.#step(presence, signal))) return;
    }
  }

  /** @returns whether another one may follow at once */
  async #step(presence: () => PresenceState, signal: AbortSignal): Promise<boolean> {
    if (this.#isFirst) await this.#doubtAll(signal);
    const standing = await this.#stand(await this.#parts.store.settledTable(signal));
    signal.throwIfAborted();
    // It may have been noticed meanwhile.
    if (presence() !== 'seen') return true;
    const action = decide(standing);
    if (action === undefined) this.#report(standing);
    else return (await this.#act(action, standing, signal)) !== 'locked';
    return false;
  }

  /** Whatever is this host's by the table, the other machine may lease it. */
  async #shareNothing(signal: AbortSignal): Promise<void> {
    const { store, share } = this.#parts;
    const own: Own = { blocks: [], borrowed: [], overlapped: [] };
    share.publish({
      own,
      table: await store.settledTable(signal),
      reachable: new Set(),
      returning: new Set(),
    });
    this.#isFirst = true;
  }

  /** The run before this one, or the other machine with this id, may have ended while a write was under way. */
  async #doubtAll(signal: AbortSignal): Promise<void> {
    const { store, node } = this.#parts;
    const { blocks, borrowed } = ownOf(await store.settledTable(signal), node);
    for (const block of [...blocks, ...borrowed.map((each) => each.block)]) store.doubt(block);
    this.#unknown ??= new UnknownBlocks(shareBefore(this.#parts));
    this.#isFirst = false;
  }

  async #stand(table: BlockTable): Promise<Standing> {
    const { node, settings, share, problems, nowMs, networks } = this.#parts;
    const own = ownOf(table, node);
    await problems.during('routes to containers', () => this.#unleased.refresh(poolCidrsOf(table)));
    const leased = byText(this.#inUse());
    const unknown = this.#unknown?.find({ own, leased, memory: this.#memory }) ?? new Set();
    this.#noteLoss(table);
    this.#noteAnswers(own);
    const underlay = underlayOf(table, networks());
    const usable = apartFrom(underlay, own);
    await problems.during('the ways to our addresses', () => this.#preparation.ensure(usable, table));
    this.#publish(withoutBlocks(usable, unknown), table);
    const leasing = { ranges: share.ranges, leased: byText(this.#inUse()) };
    const standing: Standing = {
      ...{ node, settings, table, own, nowMs: nowMs() },
      ...{ asked: this.#asked, told: this.#told, idle: this.#idle, memory: this.#memory },
      ...leasing,
      free: countFree(leasing),
      prepared: this.#preparedOf(usable),
      ...{ unknown, underlay },
      mayTake: nowMs() >= this.#takeFromMs,
    };
    return { ...standing, idle: this.#noteIdle(standing) };
  }

  #publish(own: Own, table: BlockTable): void {
    // What a container has without a lease would be leased once more.
    const unleased = this.#unleased.addresses.map(formatAddress);
    const returning = this.#preparation.returning.union(new Set(unleased));
    const reachable = this.#preparation.borrowedOf(own);
    this.#parts.share.publish({ own, table, reachable, returning });
  }

  /** What is suspended waits for what the others mark. */
  #preparedOf(own: Own): ReadonlySet<string> {
    const waiting = this.#parts.nowMs() - searchMs;
    for (const [name, at] of this.#suspended) if (at <= waiting) this.#suspended.delete(name);
    const ready = this.#preparation.blocksOf(own);
    return new Set([...ready].filter((name) => !this.#suspended.has(name)));
  }

  /** What containers of this host have. */
  #inUse(): readonly IpAddress[] {
    return [...this.#parts.leases.addresses(), ...this.#unleased.addresses];
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

  async #act(action: Action, { table }: Standing, signal: AbortSignal): Promise<Outcome> {
    const { nowMs, share, leases: all } = this.#parts;
    const withhold = share.withhold.bind(share);
    const leases = { ...all, addresses: () => this.#inUse() };
    const lookAtRoutes = () => this.#unleased.look(poolCidrsOf(table));
    const parts = { ...this.#parts, leases, memory: this.#memory, withhold, lookAtRoutes };
    const outcome = await carryOut(action, parts, signal);
    if (outcome !== 'written') return outcome;
    if (action.kind === 'want') this.#asked.set(action.block.node, nowMs());
    if (action.kind === 'suspend') this.#suspended.set(nameOf(action.block), nowMs());
    if (action.kind === 'tell') this.#told.set(nameOf(action.block), nowMs());
    return outcome;
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

function poolCidrsOf({ pools }: BlockTable): readonly Cidr[] {
  return [...pools.values()].map(({ cidr }) => cidr);
}
