import type { Rounds } from './alternate.ts';
import type { Progress } from './progress.ts';
import type { Run } from './run.ts';

/** Whose plugins. */
export type Side = { readonly name: 'ours' | 'reference'; readonly binDir: string };

/** What every case is given. */
export type Context = {
  readonly run: Run;
  readonly ours: Side;
  readonly reference: Side;
  readonly rounds: number;
  /** Leaves out what takes long. */
  readonly isQuick: boolean;
  readonly interruption: AbortSignal;
  readonly progress: Progress;
};

/** The rounds of a case, told under its name. */
export function roundsOf({ rounds, interruption, progress }: Context, name: string): Rounds {
  return {
    count: rounds,
    interruption,
    tell: (round, of) => progress.tell(`${name}: round ${round} of ${of}`),
  };
}
