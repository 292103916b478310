import type { SelectIpam } from '../cni/ipam.ts';
import type { Machine } from '../exec/machine.ts';
import type { BridgeKind } from './network.ts';

/** What a verb of a plugin works with whose containers are ports of a bridge. */
export type BridgeParts = {
  readonly kind: BridgeKind;
  readonly machine: Machine;
  readonly selectIpam: SelectIpam;
};
