import { parseBridgeConfig } from '../../lib/bridge/config.ts';
import { type BridgeKind, noUplink } from '../../lib/bridge/network.ts';

/** The plugin `bridge`: its configuration says all there is to say, and IPAM is given the same. */
export const bridge: BridgeKind = {
  name: 'bridge',
  open: (call) => ({ network: parseBridgeConfig(call.conf), ipamCall: call, uplink: noUplink }),
  openRemoval: (call) => ({ ipamCall: call }),
};
