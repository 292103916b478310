import type { Log } from '../../log/log.ts';
import type { SubnetLease, Subnets } from './lease.ts';
import { subnetsOf } from './overlap.ts';
import { renderLease } from './text.ts';

/** What has become of a lease that this host had. */
export type LostLease = {
  readonly previous: SubnetLease;
  readonly because: string;
  /** Who has leased the subnet since. */
  readonly takenBy: string | undefined;
};

/** How a host stands with its lease. */
export type LeaseState =
  | { readonly kind: 'waiting'; readonly because: string }
  | {
      readonly kind: 'held';
      readonly lease: SubnetLease;
      /** When it ends unless it is renewed, by the holder's clock; undefined for a reservation. */
      readonly untilSeconds: number | undefined;
      /** Another subnet that containers of this host may still use, though it is ours no more. */
      readonly insteadOf: LostLease | undefined;
    }
  | ({ readonly kind: 'lost' } & LostLease);

export type LeaseRecordOptions = {
  readonly log: Log;
  /** Called after each change. */
  readonly onChange: () => void;
  /** What the host had in its last run. */
  readonly previous: Subnets;
};

type Held = { readonly lease: SubnetLease; readonly untilSeconds: number | undefined };

/** Keeps, tells and logs how a host stands with its lease. */
export class LeaseRecord {
  readonly #options: LeaseRecordOptions;
  #preferred: Subnets;
  #held: Held | undefined;
  #lost: LostLease | undefined;
  #waitsBecause = 'etcd was not asked yet';
  readonly #logged = new Set<string>();

  constructor(options: LeaseRecordOptions) {
    this.#options = options;
    this.#preferred = options.previous;
  }

  get state(): LeaseState {
    if (this.#held !== undefined) return { kind: 'held', ...this.#held, insteadOf: this.#lost };
    if (this.#lost === undefined) return { kind: 'waiting', because: this.#waitsBecause };
    const reasons = new Set([this.#lost.because, this.#waitsBecause].filter((text) => text !== ''));
    return { kind: 'lost', ...this.#lost, because: [...reasons].join('; ') };
  }

  get held(): SubnetLease | undefined {
    return this.#held?.lease;
  }

  get untilSeconds(): number | undefined {
    return this.#held?.untilSeconds;
  }

  /** What a claim begins with: the subnets that the host had last. */
  get preferred(): Subnets {
    return this.#preferred;
  }

  hold(lease: SubnetLease, untilSeconds: number | undefined): void {
    const before = this.#held;
    if (before?.lease.name !== lease.name) this.#options.log.info('subnet leased', { lease: lease.name });
    if (this.#lost?.previous.name === lease.name) this.#lost = undefined;
    this.#logged.clear();
    this.#preferred = subnetsOf(lease);
    this.#held = { lease, untilSeconds };
    if (textOf(before) !== textOf(this.#held)) this.#options.onChange();
  }

  /** Nothing where none is held. */
  lose(because: string, takenBy: string | undefined): void {
    if (this.#held === undefined) return;
    const previous = this.#held.lease;
    this.#lost = { previous, because, takenBy };
    this.#held = undefined;
    this.#waitsBecause = '';
    this.#logLoss(this.#lost);
    this.#logged.add(because);
    this.#options.onChange();
  }

  /** Tells what keeps the host from having a lease, and logs it once until it has one; nothing where it has. */
  wait(because: string): void {
    if (this.#held !== undefined || because === this.#waitsBecause) return;
    this.#waitsBecause = because;
    if (!this.#logged.has(because)) this.#options.log.warn(`no subnet yet: ${because}`);
    this.#logged.add(because);
    this.#options.onChange();
  }

  #logLoss({ previous, because, takenBy }: LostLease): void {
    const { log } = this.#options;
    if (takenBy === undefined) log.warn(`the lease ${previous.name} is lost: ${because}`);
    else
      log.error(
        `the subnet of the lease ${previous.name} belongs to ${takenBy} now: ${because}; ` +
          'containers of this host that still use it are cut off, and have to be made anew',
      );
  }
}

function textOf(held: Held | undefined): string {
  return held === undefined ? '' : `${held.lease.name} ${renderLease(held.lease).value} ${held.untilSeconds}`;
}
