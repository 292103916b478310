import { skipped, type Verdict } from '../check.ts';

/** What all checks of routed networks say where there is none. */
export const noRouted: readonly Verdict[] = [skipped('no routed network here')];
