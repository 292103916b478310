/** From a value to its place on a plot, in pixels, and the values that are named on the axis. */
export type Axis = { readonly place: (value: number) => number; readonly ticks: readonly number[] };

/** Where an axis begins and ends, in pixels. */
export type Extent = { readonly from: number; readonly to: number };

/** The part of a count's axis that leads from 0 to the first count above it. */
const zeroShare = 0.22;

/**
 * Logarithmic, with a place for 0, which has no logarithm: 0 stands at the beginning, the counts above it on the rest
 * of the axis. Every count is a tick.
 */
export function countAxis(counts: readonly number[], { from, to }: Extent): Axis {
  const [least = 1, ...others] = counts.filter((count) => count > 0).map(Math.log10);
  const most = others.at(-1) ?? least;
  const share = (count: number) => (most === least ? 1 : (Math.log10(count) - least) / (most - least));
  const begin = from + (to - from) * zeroShare;
  return { ticks: counts, place: (count) => (count === 0 ? from : begin + (to - begin) * share(count)) };
}

/** The middle of the way from 0 to the counts above it, where the axis is broken. */
export function breakOf({ from, to }: Extent): number {
  return from + ((to - from) * zeroShare) / 2;
}

/** Logarithmic over all the values, ticks at 1, 2 and 5 of each power of ten, the outermost beyond the values. */
export function durationAxis(valuesMs: readonly number[], { from, to }: Extent): Axis {
  const candidates = [1, 10, 100, 1_000, 10_000].flatMap((power) => [power, 2 * power, 5 * power]);
  const low = candidates.findLast((tick) => tick <= Math.min(...valuesMs)) ?? 1;
  const high = candidates.find((tick) => tick >= Math.max(...valuesMs)) ?? 50_000;
  const share = (value: number) => Math.log(value / low) / Math.log(high / low);
  return {
    ticks: candidates.filter((tick) => tick >= low && tick <= high),
    place: (value) => from + (to - from) * share(value),
  };
}
