import { Counter, Histogram, type Registry } from 'prom-client';
import { fallbackReasons } from '../../lib/resident/fallbacks.ts';
import type { CniCounts } from '../../lib/resident/status.ts';
import { verbOf } from '../../lib/resident/tally.ts';
import { measures, timesOf } from '../../lib/resident/times.ts';
import type { CniCalls } from './cni-calls.ts';
import { addGauge } from './gauge.ts';

/** Seconds: a call served by a warm worker takes some milliseconds, one that waits for others up to seconds. */
const buckets = [
  0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2.5, 5,
];

/** Which path CNI calls take, and how long their parts take. */
export function addCniMetrics(registry: Registry, calls: CniCalls): void {
  addGauge(registry, 'fairlead_cni_workers', 'Workers that run.', () => calls.counts().workers.running);
  addCounts(registry, () => calls.counts());
  addTimes(registry, calls);
}

function addCounts(registry: Registry, counts: () => CniCounts): void {
  addCounter(registry, {
    name: 'fairlead_cni_calls_total',
    help: 'CNI calls, by the path that they took: a worker, or an executable.',
    labels: ['path', 'plugin', 'verb', 'code'],
    counts: () => counts().calls.map(({ count, ...labels }) => ({ labels, count })),
  });
  addCounter(registry, {
    name: 'fairlead_cni_fallbacks_total',
    help: 'CNI calls that a client has executed by itself, by why.',
    labels: ['reason'],
    counts: () => countReasons(counts()),
  });
  addCounter(registry, {
    name: 'fairlead_cni_worker_restarts_total',
    help: 'How often a worker has ended unasked.',
    labels: [],
    counts: () => [{ labels: {}, count: counts().workers.restarts }],
  });
}

/** Every reason has a value from the start on: a rate over what has just appeared would miss it. */
function countReasons({ fallbacks }: CniCounts): readonly Count[] {
  return fallbackReasons.map((reason) => ({
    labels: { reason },
    count: fallbacks.find((each) => each.reason === reason)?.count ?? 0,
  }));
}

type Count = { readonly labels: Readonly<Record<string, string>>; readonly count: number };

type CounterOf = {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly counts: () => readonly Count[];
};

/** What is counted elsewhere is read when it is asked for. */
function addCounter(registry: Registry, { name, help, labels, counts }: CounterOf): void {
  new Counter({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of counts()) this.inc(labels, count);
    },
  });
}

function addTimes(registry: Registry, calls: CniCalls): void {
  const times = new Histogram({
    name: 'fairlead_cni_phase_seconds',
    help: 'How long the parts of CNI calls took that workers carried out, and the calls as a whole.',
    labelNames: ['verb', 'phase'],
    buckets,
    registers: [registry],
  });
  calls.onReport(({ verb, ms }) => {
    const spent = timesOf(ms);
    for (const phase of measures) times.observe({ verb: verbOf(verb), phase }, spent[phase] / 1000);
  });
}
