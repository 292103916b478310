import { parsePointToPointConfig } from '../../lib/point-to-point/config.ts';
import type { PointToPointKind } from '../../lib/point-to-point/kind.ts';

/** The plugin `ptp`: its configuration says all there is to say, and IPAM is given the same. */
export const ptp: PointToPointKind = {
  name: 'ptp',
  wiring: 'subnet-gateway',
  open: (call) => ({
    network: parsePointToPointConfig(call.conf),
    ipamCall: call,
    confirm: () => undefined,
  }),
  openCheck: (call) => ({ network: parsePointToPointConfig(call.conf), ipamCall: call }),
  openRemoval: (call) => ({ ipamCall: call }),
};
