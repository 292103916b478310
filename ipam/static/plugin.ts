import type { Plugin } from '../../lib/cni/dispatch.ts';
import { add } from './add.ts';
import { check } from './check.ts';

/** The IPAM plugin `static`: it keeps nothing, so that there is nothing to release, to collect or to run out of. */
export function createStatic(): Plugin {
  const nothing = () => undefined;
  return { name: 'static', add, del: nothing, check, gc: nothing, status: nothing };
}
