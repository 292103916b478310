import { skipped, type Verdict } from './check.ts';

/** What all checks of the overlay say where there is none. */
export const noOverlay: readonly Verdict[] = [skipped('no overlay here')];
