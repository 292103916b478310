import { type Balanced, type Candidate, createState, type InstanceState } from './candidate.ts';

/** What has not stood among the candidates for so long is forgotten: longer than any ejection lasts. */
const forgetAfterMs = 600_000;
const sweepEveryMs = 60_000;
/** Candidates are noted as seen no more often than this; at each pick it would cost more than the picking. */
const noteEveryMs = 1_000;

/** A list of instances with what is known of each. */
export type CandidateList = {
  readonly candidates: readonly Candidate[];
  /** Whether all have a weight above 0. */
  readonly isWeighted: boolean;
};

type Prepared = CandidateList & { readonly epoch: number; notedAtMs: number };

/** What a balancer knows of the instances: made when one is first a candidate, forgotten when it no longer is. */
export class Memory {
  readonly #random: () => number;
  readonly #states = new Map<string, InstanceState>();
  /** By the list itself: a caller that keeps its list from pick to pick spares a look-up for each instance. */
  readonly #prepared = new WeakMap<readonly Balanced[], Prepared>();
  #epoch = 0;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(random: () => number) {
    this.#random = random;
  }

  get size(): number {
    return this.#states.size;
  }

  get(id: string): InstanceState | undefined {
    return this.#states.get(id);
  }

  /** @param instances a list that is not changed afterwards */
  prepare(instances: readonly Balanced[], nowMs: number): CandidateList {
    this.#sweep(nowMs);
    const prepared = this.#toPrepared(instances, nowMs);
    if (nowMs - prepared.notedAtMs >= noteEveryMs) {
      for (const { state } of prepared.candidates) state.seenAtMs = nowMs;
      prepared.notedAtMs = nowMs;
    }
    return prepared;
  }

  /** How many are ejected, among all that are remembered. */
  countEjected(nowMs: number): number {
    return this.#states
      .values()
      .filter(({ ejectedUntilMs }) => ejectedUntilMs > nowMs)
      .toArray().length;
  }

  #toPrepared(instances: readonly Balanced[], nowMs: number): Prepared {
    const known = this.#prepared.get(instances);
    if (known?.epoch === this.#epoch) return known;
    const candidates = instances.map((instance) => ({ instance, state: this.#stateOf(instance, nowMs) }));
    const isWeighted = instances.every(({ weight }) => weight > 0);
    const notedAtMs = Number.NEGATIVE_INFINITY;
    const prepared: Prepared = { candidates, isWeighted, epoch: this.#epoch, notedAtMs };
    this.#prepared.set(instances, prepared);
    return prepared;
  }

  #stateOf(instance: Balanced, nowMs: number): InstanceState {
    const known = this.#states.get(instance.id);
    if (known !== undefined) return known;
    const state = createState(instance, nowMs, this.#random());
    this.#states.set(instance.id, state);
    return state;
  }

  /** A list that was prepared before something was forgotten may hold it: it is prepared again. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < sweepEveryMs) return;
    this.#sweptAtMs = nowMs;
    const before = this.#states.size;
    for (const [id, { seenAtMs }] of this.#states) {
      if (nowMs - seenAtMs > forgetAfterMs) this.#states.delete(id);
    }
    if (this.#states.size < before) this.#epoch++;
  }
}
