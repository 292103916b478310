import type { Family, IpAddress } from '../../net/address.ts';
import { type Cidr, cidrContains } from '../../net/cidr.ts';
import type { IfName } from '../../net/ifname.ts';

/** The interface by which the other hosts are reached. */
export type Outer = {
  readonly name: IfName;
  /** Bytes. */
  readonly mtu: number;
  /** The networks whose addresses are on the same link. */
  readonly networks: readonly Cidr[];
  /** This host's addresses there, one for each family that it has. */
  readonly publicAddresses: Readonly<Partial<Record<Family, IpAddress>>>;
};

/** Tells whether an address of the underlay is reached without a router. */
export function isOnLinkOf({ networks }: Outer): (address: IpAddress) => boolean {
  return (address) => networks.some((network) => cidrContains(network, address));
}
