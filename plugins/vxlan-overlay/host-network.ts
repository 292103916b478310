import type { Uplink } from '../../lib/bridge/network.ts';
import { addressAfter, formatAddress } from '../../lib/net/address.ts';
import { type Cidr, cidrContains, formatCidr, lastAddress } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import type { OverlayMode } from '../../lib/overlay/kernel/plane.ts';

/** What this host has of an overlay, whoever says so: one network and one subnet of it for each family. */
export type HostNetwork = {
  readonly mode: OverlayMode;
  readonly networks: readonly Cidr[];
  /** This host's; in mode l2 its share of the addresses. */
  readonly subnets: readonly Cidr[];
  /** Bytes that a container's packet may have. */
  readonly mtu: number;
  /** Whether somebody else masquerades what leaves the overlay. */
  readonly isMasqueraded: boolean;
};

/** A host's part, and its way to the others, which may need the bridge. */
export type OpenedHost = {
  readonly host: HostNetwork;
  readonly uplinkOf: (bridge: IfName) => Uplink;
};

/** The fields of `ipam` that the overlay decides: a container leases from its host's subnet, and knows the way to all. */
export function toIpam({ mode, networks, subnets }: HostNetwork): object {
  if (mode === 'l3')
    return {
      ranges: subnets.map((subnet) => [{ subnet: formatCidr(subnet) }]),
      routes: networks.map((network) => ({ dst: formatCidr(network) })),
    };
  return { ranges: subnets.map((share) => [shareOf(share, networks)]) };
}

/**
 * All hosts have one subnet, each with a gateway of its own: the first address of its share. The last one is left out,
 * which for one host is the broadcast address.
 */
function shareOf(share: Cidr, networks: readonly Cidr[]): object {
  const network = networks.find((each) => cidrContains(each, share.address)) ?? share;
  return {
    subnet: formatCidr(network),
    gateway: formatAddress(addressAfter(share.address)),
    rangeStart: formatAddress(addressAfter(share.address, 2n)),
    rangeEnd: formatAddress(addressAfter(lastAddress(share), -1n)),
  };
}
