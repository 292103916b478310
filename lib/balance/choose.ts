import { type Candidate, type InstanceState, weightOf } from './candidate.ts';
import { keptSince } from './latency.ts';
import { bestByRendezvous } from './rendezvous.ts';
import type { Strategy } from './strategy.ts';

/** What a choice goes by besides the candidates. */
export type Turn = {
  readonly nowMs: number;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  /** What must meet the same instance again. */
  readonly key: string | undefined;
  /** After so long an unreported call counts half. */
  readonly callHalfLifeMs: number;
};

type Choose = (candidates: readonly Candidate[], turn: Turn) => Candidate | undefined;

/** How each strategy chooses; undefined only where there is no candidate. Only `weighted` changes what is known. */
export const choosers: Readonly<Record<Strategy, Choose>> = {
  'round-robin': chooseLongestIdle,
  random: (candidates, { random }) => candidates[Math.floor(random() * candidates.length)],
  weighted: chooseSmoothWeighted,
  'least-connections': (candidates, turn) =>
    chooseCheapest(candidates, turn, (each) => (callsNow(each.state, turn) + 1) / weightOf(each)),
  'least-latency': (candidates, turn) =>
    chooseCheapest(candidates, turn, ({ state }) => averageCost(state, turn)),
  'peak-ewma': (candidates, turn) => chooseCheapest(candidates, turn, ({ state }) => peakCost(state, turn)),
  'response-time': chooseByResponseTime,
  sticky: (candidates, { key, random }) => bestByRendezvous(candidates, key ?? String(random())),
};

/**
 * Round robin as "who was picked longest ago": unlike a counter over the list it stays even when instances come, go or
 * are skipped.
 */
function chooseLongestIdle(candidates: readonly Candidate[]): Candidate | undefined {
  let found: Candidate | undefined;
  for (const candidate of candidates) {
    if (found === undefined || candidate.state.lastTurn < found.state.lastTurn) found = candidate;
  }
  return found;
}

/**
 * The smooth weighted round robin of nginx: everyone gains its weight, the highest is picked and pays the sum. A heavy
 * instance's turns are spread among the others' instead of following one another.
 */
function chooseSmoothWeighted(candidates: readonly Candidate[]): Candidate | undefined {
  let found: Candidate | undefined;
  let sum = 0;
  for (const candidate of candidates) {
    const weight = weightOf(candidate);
    sum += weight;
    candidate.state.standing += weight;
    if (found === undefined || candidate.state.standing > found.state.standing) found = candidate;
  }
  if (found !== undefined) found.state.standing -= sum;
  return found;
}

/** The candidate of the lowest cost; among equals each has the same chance. */
function chooseCheapest(
  candidates: readonly Candidate[],
  { random }: Turn,
  costOf: (candidate: Candidate) => number,
): Candidate | undefined {
  let found: Candidate | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  let equals = 0;
  for (const candidate of candidates) {
    const cost = costOf(candidate);
    if (cost > lowest) continue;
    equals = cost < lowest ? 1 : equals + 1;
    lowest = cost;
    if (equals === 1 || random() * equals < 1) found = candidate;
  }
  return found;
}

/** Calls under way. Callers that never report would leave a count that only grows, so old ones fade. */
export function callsNow({ calls, callsAtMs }: InstanceState, { nowMs, callHalfLifeMs }: Turn): number {
  return calls === 0 ? 0 : calls * 2 ** ((callsAtMs - nowMs) / callHalfLifeMs);
}

/** What each call to an instance of unknown speed costs: it is tried with one call at a time until it has answered. */
const unknownMs = 1_000_000;

function averageCost(state: InstanceState, turn: Turn): number {
  if (state.latency === undefined) return unknownMs * callsNow(state, turn);
  return state.latency.averageMs * keptSince(state.latency.atMs, turn.nowMs);
}

function peakCost(state: InstanceState, turn: Turn): number {
  const calls = callsNow(state, turn);
  if (state.latency === undefined) return unknownMs * calls;
  return state.latency.peakMs * keptSince(state.latency.atMs, turn.nowMs) * (calls + 1);
}

/** Below this, differences in speed are noise. */
const fastestMs = 1;

/** At random, in proportion to weight over response time; who has not answered yet counts as the mean of the others. */
function chooseByResponseTime(candidates: readonly Candidate[], { random }: Turn): Candidate | undefined {
  const meanMs = meanLatencyMs(candidates);
  const shareOf = (each: Candidate) =>
    weightOf(each) / Math.max(fastestMs, each.state.latency?.averageMs ?? meanMs);
  let sum = 0;
  for (const candidate of candidates) sum += shareOf(candidate);
  let left = random() * sum;
  for (const candidate of candidates) {
    left -= shareOf(candidate);
    if (left < 0) return candidate;
  }
  return candidates.at(-1);
}

function meanLatencyMs(candidates: readonly Candidate[]): number {
  let sumMs = 0;
  let known = 0;
  for (const { state } of candidates) {
    if (state.latency === undefined) continue;
    sumMs += state.latency.averageMs;
    known++;
  }
  return known === 0 ? fastestMs : sumMs / known;
}
