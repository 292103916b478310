import type { Candidate } from './candidate.ts';
import { narrowed } from './narrowed.ts';

/** Those of a weight above 0; where that leaves nobody, all. */
export function takingTraffic<C extends Pick<Candidate, 'instance'>>(candidates: readonly C[]): readonly C[] {
  return narrowed(candidates, ({ instance }) => instance.weight > 0);
}
