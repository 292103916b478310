/** What is to be reached, and what was measured of it. */
export type Goal = Limit & {
  /** The case it belongs to, as the table names it. */
  readonly of: string;
  readonly what: string;
  /** Undefined where a quick run leaves it out, NaN (null in JSON) where it has failed. */
  readonly measured: number | undefined;
};

/** How much is enough. */
export type Limit = {
  readonly bound: 'at most' | 'at least';
  readonly limit: number;
  readonly unit: '×' | ' ms' | ' MB' | '';
};

/** Reached by this, and by anything less. */
export function atMost(limit: number, unit: Limit['unit']): Limit {
  return { bound: 'at most', limit, unit };
}

/** Reached by this, and by anything more. */
export function atLeast(limit: number, unit: Limit['unit']): Limit {
  return { bound: 'at least', limit, unit };
}

/** Whether the goal is reached; undefined where it was not measured. */
export function isMet({ measured, bound, limit }: Goal): boolean | undefined {
  if (measured === undefined) return undefined;
  return bound === 'at most' ? measured <= limit : measured >= limit;
}
