import { verbs } from '../cni/invocation.ts';
import { pluginNames } from '../install/names.ts';
import type { Fallback, FallbackReason } from './fallbacks.ts';
import type { Report } from './report.ts';
import type { CallCount, FallbackCount, PhaseTimes } from './status.ts';
import { measures, type Times, timesOf } from './times.ts';

/** Of so many calls of each verb the times are remembered. */
const mostRemembered = 512;

/** Codes of the specification, and those of our own plugins; a foreign plugin may answer with any number. */
const highestCode = 999;

/** Counts calls, by the path that they took. What callers choose is counted under a known word or `other`. */
export class Tally {
  readonly #calls = new Map<string, CallCount>();
  readonly #fallbacks = new Map<FallbackReason, FallbackCount>();
  /** The last calls of each verb; `next` is where the oldest is overwritten. */
  readonly #recent = new Map<string, { readonly times: Times[]; next: number }>();

  /** A call that a worker has carried out. */
  addReport({ plugin, verb, code, ms }: Report): void {
    this.#count({
      path: 'resident',
      ...namesOf({ plugin, verb }),
      code: code > highestCode ? 'other' : String(code),
    });
    this.#remember(verbOf(verb), timesOf(ms));
  }

  /** A call that its client has executed by itself: how it ended, the client alone knows. */
  addFallback({ reason, verb, plugin, atSeconds }: Fallback): void {
    this.#count({ path: 'executable', ...namesOf({ plugin, verb }), code: '' });
    const before = this.#fallbacks.get(reason)?.count ?? 0;
    this.#fallbacks.set(reason, { reason, count: before + 1, lastAtMs: atSeconds * 1000 });
  }

  get calls(): readonly CallCount[] {
    return [...this.#calls.values()];
  }

  get fallbacks(): readonly FallbackCount[] {
    return [...this.#fallbacks.values()];
  }

  /** The medians of the last calls, by verb. */
  get phases(): readonly PhaseTimes[] {
    return [...this.#recent].map(([verb, { times }]) => ({
      verb,
      of: times.length,
      medianMs: Object.fromEntries(
        measures.map((measure) => [measure, medianOf(times.map((each) => each[measure]))]),
      ) as Times,
    }));
  }

  #count(call: Omit<CallCount, 'count'>): void {
    const key = [call.path, call.plugin, call.verb, call.code].join();
    this.#calls.set(key, { ...call, count: (this.#calls.get(key)?.count ?? 0) + 1 });
  }

  #remember(verb: string, times: Times): void {
    const recent = this.#recent.get(verb) ?? { times: [], next: 0 };
    recent.times[recent.next] = times;
    recent.next = (recent.next + 1) % mostRemembered;
    this.#recent.set(verb, recent);
  }
}

/** The verb, where it is one of the specification's. */
export function verbOf(verb: string): string {
  return verbs.find((known) => known === verb) ?? 'other';
}

/** Plugins are called by their names without regard to case. */
function namesOf({ plugin, verb }: Pick<Report, 'plugin' | 'verb'>): Pick<CallCount, 'plugin' | 'verb'> {
  const name = plugin.toLowerCase();
  return { plugin: pluginNames.find((known) => known === name) ?? 'other', verb: verbOf(verb) };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return Math.round(middle * 1000) / 1000;
}
