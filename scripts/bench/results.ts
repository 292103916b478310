import { type Burst, measureBurst } from './burst.ts';
import { type BareComparison, type Comparison, compareBare, compareMasquerade } from './compare.ts';
import { type ConflistFigures, measureConflists } from './conflists.ts';
import type { Context } from './context.ts';
import { type GrowthPoint, measureAttached, measureLeases } from './growth.ts';
import { describeMachine, type MachineInfo } from './machine.ts';
import { measureOverlay, type OverlayFigures } from './overlay.ts';
import { type PartsOfAdd, splitAdds } from './parts.ts';
import { measureRegistry, type RegistryFigures } from './registry.ts';
import { measureResident, type ResidentFigures } from './resident-paths.ts';
import { measureRouted, type RoutedFigures } from './routed.ts';

/** All that a run has measured. */
export type Results = {
  /** When the run began, ISO 8601. */
  readonly at: string;
  readonly machine: MachineInfo;
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly bare: BareComparison;
  readonly ipMasq: Comparison;
  readonly burst: Burst;
  readonly leases: readonly GrowthPoint[];
  readonly attached: readonly GrowthPoint[];
  readonly partsOfAdd: PartsOfAdd;
  readonly registry: RegistryFigures;
  readonly overlay: OverlayFigures;
  readonly routed: RoutedFigures;
  readonly conflists: ConflistFigures;
  readonly resident: ResidentFigures;
};

/**
 * Measures every case, one after the other. The crowds come last: removing a thousand links keeps the kernel busy
 * for seconds after everything else has gone on.
 */
export async function measureAll(context: Context): Promise<Results> {
  return {
    at: new Date().toISOString(),
    machine: await describeMachine(context),
    isQuick: context.isQuick,
    rounds: context.rounds,
    bare: await compareBare(context),
    ipMasq: await compareMasquerade(context),
    partsOfAdd: await splitAdds(context),
    registry: await measureRegistry(context),
    overlay: await measureOverlay(context),
    routed: await measureRouted(context),
    burst: await measureBurst(context),
    leases: await measureLeases(context),
    attached: await measureAttached(context),
    conflists: await measureConflists(context),
    resident: await measureResident(context),
  };
}
