import type { Context } from './context.ts';
import { measureArrival, measureReturn, type OverlayChanges } from './overlay-changes.ts';
import { type CrowdOfHosts, measureHosts } from './overlay-hosts.ts';
import { measureTraffic, type OverlayTraffic } from './overlay-traffic.ts';

/** What has to do with containers of many hosts. */
export type OverlayFigures = {
  readonly traffic: OverlayTraffic;
  readonly changes: OverlayChanges;
  readonly hosts: CrowdOfHosts;
};

/** Measures the overlay beside flanneld's, and how it follows what happens to hosts. */
export async function measureOverlay(context: Context): Promise<OverlayFigures> {
  return {
    traffic: await measureTraffic(context),
    changes: { arrival: await measureArrival(context), return: await measureReturn(context) },
    hosts: await measureHosts(context),
  };
}
