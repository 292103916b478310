import type { SelectIpam } from '../cni/ipam.ts';
import type { Machine } from '../exec/machine.ts';
import type { PointToPointKind } from './kind.ts';

/** What a verb of a plugin works with whose containers have point-to-point links. */
export type PointToPointParts = {
  readonly kind: PointToPointKind;
  readonly machine: Machine;
  readonly selectIpam: SelectIpam;
};
