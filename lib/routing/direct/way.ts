import type { NodeId } from '../../blocks/table/block.ts';
import { type Family, formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import { cidrContains, formatCidr } from '../../net/cidr.ts';
import type { IfName } from '../../net/ifname.ts';
import type { Attached } from '../host-kernel.ts';
import type { Wanted } from '../wanted.ts';

/** How packets get to another host; without a gateway that is on a link they go over the overlay's device. */
export type Way = {
  readonly kind: 'direct' | 'vxlan';
  readonly link: IfName;
  readonly gateway: IpAddress;
};

/** The overlay's device, and the address behind it that leads to a host; undefined where it knows no such host. */
export type OverlayWay = (
  node: NodeId,
  family: Family,
) => { readonly device: IfName; readonly gateway: IpAddress } | undefined;

/** What decides how hosts are reached. */
export type Surroundings = { readonly attached: readonly Attached[]; readonly overlayWay: OverlayWay };

/** @returns a sentence for the operator where there is no way */
export function wayTo(wanted: Wanted, { attached, overlayWay }: Surroundings): Way | { problem: string } {
  const { nextHop, node, dst } = wanted;
  if (nextHop !== undefined && attached.some(({ network }) => isSameAddress(network.address, nextHop)))
    return { problem: describeTwin(wanted, nextHop) };
  const link = nextHop === undefined ? undefined : linkOf(nextHop, attached);
  if (nextHop !== undefined && link !== undefined) return { kind: 'direct', link, gateway: nextHop };
  const over = overlayWay(node, dst.address.family);
  if (over === undefined) return { problem: describeNoWay(wanted) };
  return { kind: 'vxlan', link: over.device, gateway: over.gateway };
}

/** The link with the narrowest network that has the address, as the kernel chooses. */
function linkOf(address: IpAddress, attached: readonly Attached[]): IfName | undefined {
  return attached
    .filter(({ network }) => cidrContains(network, address))
    .toSorted((one, other) => other.network.prefixLength - one.network.prefixLength)[0]?.link;
}

function describeTwin({ host, dst }: Wanted, address: IpAddress): string {
  return (
    `the host ${host}, which has ${formatCidr(dst)}, has this host's own address ${formatAddress(address)}: ` +
    'if it is gone, "fairlead ipam release-host" removes it'
  );
}

function describeNoWay({ host, nextHop, dst }: Wanted): string {
  const family = `IPv${dst.address.family}`;
  if (nextHop === undefined)
    return `there is no way to ${formatCidr(dst)}: its host ${host} has told no ${family} address (interface, publicIP, publicIPv6)`;
  return (
    `there is no way to the host ${host}, which has ${formatCidr(dst)}: ${formatAddress(nextHop)} is on no link of this host, ` +
    'and no overlay leads to it; use an overlay or mode "bird"'
  );
}
