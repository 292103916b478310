import { vtepMac } from './kernel/mtu.ts';
import type { Outer } from './kernel/outer-link.ts';
import { byFamily } from './lease/by-family.ts';
import type { NetworkConfig } from './lease/network-config.ts';
import type { Self } from './lease/owner.ts';

/** How this host is reached, of each family that the overlay has and the underlay gives an address of. */
export function selfOf({ ranges, backend: { vni } }: NetworkConfig, { publicAddresses }: Outer): Self {
  return byFamily((family) => {
    const publicAddress = publicAddresses[family];
    if (ranges[family] === undefined || publicAddress === undefined) return undefined;
    return { publicAddress, vni, vtepMac: vtepMac(vni, publicAddress) };
  });
}
