/** What is kept of many samples of one duration. */
export type Summary = {
  readonly medianMs: number;
  readonly lowerQuartileMs: number;
  readonly upperQuartileMs: number;
  readonly samples: number;
};

/** One ADD and the DEL after it, in milliseconds. */
export type PairSample = { readonly addMs: number; readonly delMs: number };

/** ADD, DEL, and both together: the median of the sums, which is not the sum of the medians. */
export type PairFigures = { readonly add: Summary; readonly del: Summary; readonly pair: Summary };

/** Medians of pairs. */
export function summarizePairs(samples: readonly PairSample[]): PairFigures {
  return {
    add: summarize(samples.map(({ addMs }) => addMs)),
    del: summarize(samples.map(({ delMs }) => delMs)),
    pair: summarize(samples.map(({ addMs, delMs }) => addMs + delMs)),
  };
}

/** Median and quartiles; NaN of nothing. */
export function summarize(samplesMs: readonly number[]): Summary {
  const sorted = samplesMs.toSorted((one, other) => one - other);
  return {
    medianMs: quantileOfSorted(sorted, 0.5),
    lowerQuartileMs: quantileOfSorted(sorted, 0.25),
    upperQuartileMs: quantileOfSorted(sorted, 0.75),
    samples: sorted.length,
  };
}

/** NaN of nothing. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** What so large a share of the samples does not exceed; between two samples, the straight line. NaN of nothing. */
export function quantile(samples: readonly number[], share: number): number {
  return quantileOfSorted(
    samples.toSorted((one, other) => one - other),
    share,
  );
}

function quantileOfSorted(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
