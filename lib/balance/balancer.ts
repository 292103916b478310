import type { Balanced, Candidate, InstanceState } from './candidate.ts';
import { callsNow, choosers, type Turn } from './choose.ts';
import { countOutcome, defaultEjection, type Ejection, leftOut } from './ejection.ts';
import { observeLatency } from './latency.ts';
import { type CandidateList, Memory } from './memory.ts';
import { narrowed } from './narrowed.ts';
import { parseStrategy } from './strategy.ts';
import { takingTraffic } from './taking-traffic.ts';

/** How an instance is to be picked. */
export type How = {
  /** One of `strategies`. */
  readonly strategy: string;
  /** For `sticky`: the same key meets the same instance while it is there. */
  readonly key?: string;
  /** Who asks; takes the key's place where there is none. */
  readonly caller?: string;
  /** Ids that must not be picked, because they have just been tried. */
  readonly except?: ReadonlySet<string>;
};

/** How a call went. */
export type CallOutcome = {
  readonly id: string;
  readonly latencyMs?: number;
  readonly failed: boolean;
  /** False where the call goes on; otherwise it no longer counts as under way. */
  readonly finished?: boolean;
};

export type Picker = {
  /**
   * Undefined where no candidate is left. Counts as the beginning of a call.
   * @param candidates healthy instances of one service; a list that is kept from pick to pick is quicker, and is not
   * changed afterwards
   * @throws CniError code 7 for an unknown strategy
   */
  readonly pick: <I extends Balanced>(candidates: readonly I[], how: How) => I | undefined;
  /** Of an instance that was never a candidate, nothing is remembered. */
  readonly report: (outcome: CallOutcome) => void;
};

export type BalancerStats = {
  /** Instances that something is remembered of. */
  readonly known: number;
  readonly ejected: number;
  /** Counted from the start. */
  readonly ejections: number;
};

export type Balancer = Picker & { readonly stats: () => BalancerStats };

export type BalancerOptions = {
  /** A clock that never goes back. */
  readonly nowMs?: () => number;
  /** From 0 up to, and without, 1. */
  readonly random?: () => number;
  /** False: nothing is ejected. */
  readonly ejection?: Partial<Ejection> | false;
  /** After so long a call that nobody has reported on counts half; 5 minutes unless set. */
  readonly callHalfLifeMs?: number;
};

const defaultCallHalfLifeMs = 300_000;

/** Picks among healthy instances, and learns from what is reported. Its memory is bounded by the candidates of 10 min. */
export function createBalancer(options: BalancerOptions = {}): Balancer {
  const { nowMs = () => performance.now(), random = Math.random } = options;
  const { callHalfLifeMs = defaultCallHalfLifeMs } = options;
  const ejection = options.ejection === false ? undefined : { ...defaultEjection, ...options.ejection };
  const memory = new Memory(random);
  let turns = 0;
  let ejections = 0;
  /** When the last ejection ends: until one is under way, nobody need be looked at for it. */
  let ejectedUntilMs = Number.NEGATIVE_INFINITY;

  const turnOf = (key?: string): Turn => ({ nowMs: nowMs(), random, key, callHalfLifeMs });
  const outOf = ({ candidates }: CandidateList, now: number) =>
    ejection === undefined || ejectedUntilMs <= now ? undefined : leftOut(candidates, now, ejection);
  return {
    pick: <I extends Balanced>(instances: readonly I[], how: How) => {
      const choose = choosers[parseStrategy(how.strategy)];
      const turn = turnOf(how.key ?? how.caller);
      const list = memory.prepare(instances, turn.nowMs);
      const chosen = choose(eligible(list, how.except, outOf(list, turn.nowMs)), turn);
      if (chosen === undefined) return undefined;
      chosen.state.lastTurn = ++turns;
      countCall(chosen.state, turn, 1);
      // Candidates are made from these instances.
      return chosen.instance as I;
    },
    report: (outcome) => {
      const state = memory.get(outcome.id);
      if (state === undefined) return;
      const turn = turnOf();
      if (outcome.finished !== false) countCall(state, turn, -1);
      learnLatency(state, outcome, turn.nowMs);
      if (ejection === undefined) return;
      if (!countOutcome(state, { failed: outcome.failed, nowMs: turn.nowMs }, ejection)) return;
      ejectedUntilMs = Math.max(ejectedUntilMs, state.ejectedUntilMs);
      ejections++;
    },
    stats: () => ({ known: memory.size, ejected: memory.countEjected(nowMs()), ejections }),
  };
}

/**
 * Those that may be picked: not tried before, not ejected, of a weight above 0. Where that leaves nobody, the last two
 * conditions are dropped one after the other: a poor instance is better than none.
 */
function eligible(
  { candidates, isWeighted }: CandidateList,
  except: ReadonlySet<string> = nobody,
  out: ReadonlySet<Candidate> | undefined,
): readonly Candidate[] {
  const untried =
    except.size === 0 ? candidates : candidates.filter(({ instance }) => !except.has(instance.id));
  const trusted = out === undefined ? untried : narrowed(untried, (each) => !out.has(each));
  return isWeighted ? trusted : takingTraffic(trusted);
}

const nobody: ReadonlySet<string> = new Set();

function countCall(state: InstanceState, turn: Turn, by: 1 | -1): void {
  state.calls = Math.max(0, callsNow(state, turn) + by);
  state.callsAtMs = turn.nowMs;
}

function learnLatency(state: InstanceState, { latencyMs, failed }: CallOutcome, nowMs: number): void {
  const isKnown = latencyMs !== undefined && latencyMs >= 0 && latencyMs < Number.POSITIVE_INFINITY;
  if (!isKnown && !failed) return;
  state.latency = observeLatency(state.latency, { latencyMs: isKnown ? latencyMs : 0, failed }, nowMs);
}
