import { type Comparison, comparePointToPoint } from './compare.ts';
import type { Context } from './context.ts';
import { type Endpoints, measureEndpoints } from './endpoints.ts';
import { measureRoutedTraffic, type RoutedTraffic } from './routed-traffic.ts';

/** What has to do with containers behind point-to-point links. */
export type RoutedFigures = {
  /** ptp with masquerade, ours beside the reference's. */
  readonly ptp: Comparison;
  readonly endpoints: Endpoints;
  readonly traffic: RoutedTraffic;
};

/** Measures ptp beside the reference's, routed among many, and what gets from host to host. */
export async function measureRouted(context: Context): Promise<RoutedFigures> {
  return {
    ptp: await comparePointToPoint(context),
    traffic: await measureRoutedTraffic(context),
    endpoints: await measureEndpoints(context),
  };
}
