import type { Machine } from '../../lib/exec/machine.ts';
import type { Store } from '../../lib/registry/store.ts';
import { findDead, withdrawDead } from '../../lib/registry/sweep.ts';

/** A container that was registered and is proven dead. */
export type DeadName = {
  readonly network: string;
  readonly containerId: string;
  readonly ifName: string;
  readonly because: string;
};

/** Which: those of one network or of all; and whether they stay. */
export type DeadScope = { readonly network: string | undefined; readonly dryRun: boolean };

/** Withdraws the names of dead containers. @returns those withdrawn, or with `dryRun` those that would be */
export function collectDeadNames(
  store: Store,
  { network, dryRun }: DeadScope,
  { machine, nowUs }: { readonly machine: Machine; readonly nowUs: () => number },
): readonly DeadName[] {
  const dead = findDead(store, machine).filter(
    ({ attachment }) => network === undefined || attachment.network === network,
  );
  if (!dryRun) withdrawDead(store, dead, nowUs());
  return dead.map(({ attachment, because }) => ({
    network: attachment.network,
    containerId: attachment.containerId,
    ifName: attachment.ifName,
    because,
  }));
}
