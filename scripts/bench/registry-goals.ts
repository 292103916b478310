import { atLeast, atMost, type Goal } from './goal.ts';
import { check, type Leaving } from './leaving.ts';
import type { Registration } from './registration.ts';
import type { RegistryFigures } from './registry.ts';
import type { PairFigures } from './statistics.ts';
import { watchers } from './watchers.ts';

/** What names may cost, and how true they are to be. Pure. */
export function judgeRegistry(figures: RegistryFigures): readonly Goal[] {
  const { registration, resolvable } = figures;
  const wrong = resolvable.wrongAfterAdd + resolvable.wrongAfterDel;
  return [
    ...judgeRegistration(registration),
    { of: 'resolvable', what: 'wrong answers after ADD or DEL', measured: wrong, ...atMost(0, '') },
    ...judgeDns(figures),
    ...judgeWatchers(figures),
    ...judgeLeaving(figures.leaving),
  ];
}

function judgeRegistration({ withAgent, withoutAgent, off }: Registration): readonly Goal[] {
  const toGoal = (what: string, { add }: PairFigures): Goal => {
    const measured = add.medianMs - off.add.medianMs;
    return { of: 'registration', what: `what it adds to our ADD, ${what}`, measured, ...atMost(3, ' ms') };
  };
  return [toGoal('with the agent', withAgent), toGoal('without', withoutAgent)];
}

function judgeDns({ dns: { names, throughput, latency, memory } }: RegistryFigures): readonly Goal[] {
  const of = `${names.toLocaleString('en')} names`;
  const rate = throughput.ours.perSecond / throughput.dnsmasq.perSecond;
  const { p99Ms } = latency.ours;
  return [
    { of, what: 'answers a second, ours / dnsmasq', measured: rate, ...atLeast(0.8, '×') },
    { of, what: '99 of 100 answers, at half our rate', measured: p99Ms, ...atMost(5, ' ms') },
    { of, what: "the agent's memory at its most", measured: memory.peakMb, ...atMost(200, ' MB') },
  ];
}

function judgeWatchers(figures: RegistryFigures): readonly Goal[] {
  const of = `${watchers.toLocaleString('en')} watchers`;
  return figures.watchers.map(({ kind, worstMs }) => ({
    of,
    what: `the last has a change, by ${kind}, at worst`,
    measured: worstMs,
    ...atMost(100, ' ms'),
  }));
}

/** A check may have succeeded right before the port closed; the second is for noticing and for telling. */
const closedLimitMs = check.intervalMs * check.fall + 1_000;

function judgeLeaving({ closed, deleted }: Leaving): readonly Goal[] {
  return [
    {
      of: 'leaving',
      what: 'a closed port is not answered, at worst',
      measured: closed.worstMs,
      ...atMost(closedLimitMs, ' ms'),
    },
    {
      of: 'leaving',
      what: 'a lost container is not answered, at worst',
      measured: deleted.worstMs,
      ...atMost(30_000, ' ms'),
    },
  ];
}
