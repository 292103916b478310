import { type Balancer, type BalancerOptions, createBalancer } from '../../../lib/balance/balancer.ts';
import type { Instance } from '../../../lib/registry/instance.ts';
import { Random } from '../../support/random.ts';
import { instanceOf } from '../../support/registry.ts';

/** A balancer whose clock the test moves and whose random choices a seed repeats. */
export function createFixture(options: BalancerOptions = {}): {
  readonly balancer: Balancer;
  readonly advance: (ms: number) => void;
} {
  let nowMs = 0;
  const balancer = createBalancer({ nowMs: () => nowMs, random: seeded(), ...options });
  return {
    balancer,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** From 0 up to 1, the same each time. */
export function seeded(seed = 7): () => number {
  const random = new Random(seed);
  return () => random.below(2 ** 32) / 2 ** 32;
}

/** Instances `i0`, `i1` … of the weights given. */
export function instancesOf(weights: readonly number[]): readonly Instance[] {
  return weights.map((weight, index) => instanceOf({ id: `i${index}`, weight }));
}

/** How often each id comes up. */
export function countPicks(times: number, pick: (turn: number) => Instance | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (let turn = 0; turn < times; turn++) {
    const id = pick(turn)?.id ?? 'nobody';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** Pearson's chi-square of what was counted against shares that sum up to 1. */
export function chiSquare(counts: ReadonlyMap<string, number>, shares: readonly number[]): number {
  const all = counts.values().reduce((sum, count) => sum + count, 0);
  return shares.reduce((sum, share, index) => {
    const expected = share * all;
    return sum + ((counts.get(`i${index}`) ?? 0) - expected) ** 2 / expected;
  }, 0);
}
