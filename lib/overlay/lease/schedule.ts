const never = Number.POSITIVE_INFINITY;

/** How long the keys are left alone after they were read, whatever is heard of them. */
const restSeconds = 0.2;
/** The same after somebody else had written our key: who does so once may do so again and again. */
const longRestSeconds = 5;
/** Timers stand still while the machine is suspended, so none is long. */
const longestPauseSeconds = 10;

/** When a lease is to be looked after, in seconds of the holder's clock. */
export class LeaseSchedule {
  #settleAt = 0;
  #renewAt = never;
  #restUntil = 0;

  /** What is due. */
  dueAt(now: number): 'settle' | 'renew' | undefined {
    if (now >= this.#settleAt) return 'settle';
    return now >= this.#renewAt ? 'renew' : undefined;
  }

  /** The keys are to be read by then. */
  settleBy(at: number): void {
    this.#settleAt = Math.min(this.#settleAt, at);
  }

  /** Something was heard, be it news or not. */
  settleAfterRest(now: number): void {
    this.settleBy(Math.max(now, this.#restUntil));
  }

  /** The keys are being read; what is heard from here on counts for the next time. */
  beginSettling(): void {
    this.#settleAt = never;
  }

  settled(now: number, { isRepaired }: { readonly isRepaired: boolean }): void {
    this.#restUntil = now + (isRepaired ? longRestSeconds : restSeconds);
  }

  /** Undefined for what does not end. */
  renewBy(at: number | undefined): void {
    this.#renewAt = at ?? never;
  }

  /** @param endsAt when the lease ends, which is not to be missed */
  pauseMs(now: number, endsAt: number | undefined): number {
    const at = Math.min(this.#settleAt, this.#renewAt, endsAt ?? never, now + longestPauseSeconds);
    return Math.max(0, Math.ceil((at - now) * 1_000));
  }
}
