import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Series } from './alternate.ts';
import { type PairFigures, type PairSample, summarizePairs } from './statistics.ts';

/** What came of somebody's part in a comparison. */
export type Measured =
  | { readonly kind: 'measured'; readonly figures: PairFigures }
  | { readonly kind: 'failed'; readonly because: string };

/** What came of both sides. */
export type BothMeasured = { readonly ours: Measured; readonly reference: Measured };

/** Somebody who takes part in a comparison: who fails is out of it, and the others go on. */
export type Contender = Series<unknown> & { readonly measured: () => Measured };

/**
 * @param open what is measured of it, when all is there that it needs
 * @param interruption fails the comparison as a whole
 */
export async function createContender(
  open: () => Promise<Series<PairSample>>,
  interruption: AbortSignal,
): Promise<Contender> {
  let because: string | undefined;
  const orFail = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return because === undefined ? await work() : undefined;
    } catch (error) {
      interruption.throwIfAborted();
      because = messageOf(error);
      return undefined;
    }
  };
  const series = await orFail(open);
  const samples: (PairSample | undefined)[] = [];
  const take = async (round: number) => series && (await orFail(() => series.take(round)));
  return { take, samples, measured: () => toMeasured(samples, because) };
}

function toMeasured(samples: readonly (PairSample | undefined)[], because: string | undefined): Measured {
  if (because !== undefined) return { kind: 'failed', because };
  return { kind: 'measured', figures: summarizePairs(samples.filter((sample) => sample !== undefined)) };
}
