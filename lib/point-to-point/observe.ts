import { forwardedFamilies } from '../attach/forwarding.ts';
import { hostSeed } from '../attach/host-seed.ts';
import type { Wanted } from '../capability/capability.ts';
import type { Machine } from '../exec/machine.ts';
import { observeRules } from '../exec/observe.ts';
import { inetTable } from '../rules/tables.ts';
import type { PointToPointNetwork } from './kind.ts';
import type { Observed } from './plan-add.ts';

/** Step 4 of an ADD: what is there now. One `nft` for a network that needs rules, however many containers there are. */
export function observe(machine: Machine, network: PointToPointNetwork, wanted: readonly Wanted[]): Observed {
  const needsRules =
    network.checksSource || network.ipMasq || wanted.some(({ tools }) => tools.includes('nft'));
  return {
    nft: observeRules(machine, needsRules ? [inetTable] : []),
    forwards: forwardedFamilies(machine),
    hostSeed: hostSeed(machine),
  };
}
