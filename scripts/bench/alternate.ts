/** Something that is measured again and again, and its samples. */
export type Series<Sample> = {
  readonly take: (round: number) => Promise<Sample>;
  readonly samples: Sample[];
};

/** How often, and who is told. */
export type Rounds = {
  readonly count: number;
  readonly interruption: AbortSignal;
  readonly tell: (round: number, of: number) => void;
};

/** Not measured: they make bridges, rules and indexes, and warm the caches. */
const warmUps = 2;

/** A series without samples yet. */
export function createSeries<Sample>(take: (round: number) => Promise<Sample>): Series<Sample> {
  return { take, samples: [] };
}

/**
 * Measures several series side by side: each round takes one sample of each, so that whatever else the machine does
 * falls on all of them alike. Each round begins with another one: nobody always follows the same neighbour.
 */
export async function alternate(
  all: readonly Series<unknown>[],
  { count, interruption, tell }: Rounds,
): Promise<void> {
  for (let round = -warmUps; round < count; round++) {
    tell(round + warmUps + 1, count + warmUps);
    for (const series of rotated(all, round + warmUps)) {
      interruption.throwIfAborted();
      const sample = await series.take(round + warmUps);
      if (round >= 0) series.samples.push(sample);
    }
  }
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
