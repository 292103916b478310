import { hash64 } from '../net/hash.ts';
import type { LatencyEstimate } from './latency.ts';

/** What a balancer has to know of an instance: its id, and its weight (0 takes nothing while another is there). */
export type Balanced = { readonly id: string; readonly weight: number };

/** What a balancer remembers of an instance. Times are of the balancer's clock. */
export type InstanceState = {
  /** 32 bits of the id, for the rendezvous. */
  readonly idHash: number;
  /** When it last stood among the candidates. */
  seenAtMs: number;
  /** The balancer's count of picks when this one was picked last. */
  lastTurn: number;
  /** Its standing in the smooth weighted round robin. */
  standing: number;
  /** Calls begun and not reported as finished, as of `callsAtMs`. */
  calls: number;
  callsAtMs: number;
  latency: LatencyEstimate | undefined;
  failuresInARow: number;
  timesEjected: number;
  ejectedAtMs: number;
  ejectedUntilMs: number;
};

/** An instance that may be picked, with what is known of it. */
export type Candidate<I extends Balanced = Balanced> = {
  readonly instance: I;
  readonly state: InstanceState;
};

/**
 * What is known of an instance that was not seen before.
 * @param random below 1; sets where it joins the rotations, so that not all callers begin with the same one
 */
export function createState({ id, weight }: Balanced, nowMs: number, random: number): InstanceState {
  return {
    idHash: hash32(id),
    seenAtMs: nowMs,
    lastTurn: -random,
    standing: random * weight,
    calls: 0,
    callsAtMs: nowMs,
    latency: undefined,
    failuresInARow: 0,
    timesEjected: 0,
    ejectedAtMs: Number.NEGATIVE_INFINITY,
    ejectedUntilMs: Number.NEGATIVE_INFINITY,
  };
}

/** The weight among candidates of which some have one; where none has, all are alike. */
export function weightOf({ instance }: Pick<Candidate, 'instance'>): number {
  return instance.weight === 0 ? 1 : instance.weight;
}

/** 32 bits of a text's hash. */
export function hash32(text: string): number {
  return Number.parseInt(hash64(text).slice(0, 8), 16);
}
