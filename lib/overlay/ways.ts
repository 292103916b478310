import type { IpAddress } from '../net/address.ts';
import { networkAddress } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import type { Target } from './kernel/target.ts';
import { type ByFamily, byFamily } from './lease/by-family.ts';
import type { SubnetLease } from './lease/lease.ts';

/** The way over the overlay to another host: its address there, and this host's VXLAN device. */
export type Way = { readonly gateway: IpAddress; readonly device: IfName };

/** How the host with this id is reached over the overlay, of each family in which VXLAN leads to it. Pure. */
export function waysTo(
  node: string,
  target: Target | undefined,
  leases: Iterable<SubnetLease>,
): ByFamily<Way> {
  const own = [...leases].filter((lease) => lease.node === node);
  return byFamily((family) => {
    const planeTarget = target?.planes.find(({ plane }) => plane.family === family && plane.mode === 'l3');
    if (planeTarget === undefined) return undefined;
    const subnets = own.map(({ endpoints }) => endpoints[family]?.subnet.address.bits);
    const peer = planeTarget.peers.find(
      ({ subnet, isDirect }) => !isDirect && subnets.includes(subnet.address.bits),
    );
    if (peer === undefined) return undefined;
    return { gateway: networkAddress(peer.subnet), device: planeTarget.plane.device };
  });
}
