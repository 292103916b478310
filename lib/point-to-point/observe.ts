import { forwardedFamilies } from '../attach/forwarding.ts';
import { hostSeed } from '../attach/host-seed.ts';
import type { Machine } from '../exec/machine.ts';
import { observeRules } from '../exec/observe.ts';
import { inetTable } from '../masquerade/masquerade.ts';
import { parseNftListing } from '../nft/parse.ts';
import type { PointToPointNetwork } from './kind.ts';
import type { Observed } from './plan-add.ts';

/** Step 4 of an ADD: what is there now. One `nft` for a network that needs rules, however many containers there are. */
export function observe(machine: Machine, network: PointToPointNetwork): Observed {
  const needsRules = network.checksSource || network.ipMasq;
  return {
    nft: needsRules ? observeRules(machine, inetTable) : parseNftListing(''),
    forwards: forwardedFamilies(machine),
    hostSeed: hostSeed(machine),
  };
}
