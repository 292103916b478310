import { forwardedFamilies } from '../attach/forwarding.ts';
import { hostSeed } from '../attach/host-seed.ts';
import type { Machine } from '../exec/machine.ts';
import type { Observed } from './plan-add.ts';

/** Step 4 of an ADD: what is there now. No process. */
export function observe(machine: Machine): Observed {
  return { forwards: forwardedFamilies(machine), hostSeed: hostSeed(machine) };
}
