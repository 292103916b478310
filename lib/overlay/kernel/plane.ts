import type { Family, IpAddress } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { IfName } from '../../net/ifname.ts';
import type { Mac } from '../../net/mac.ts';

/** Whether hosts route to each other's subnets, or all share one layer 2 segment. */
export type OverlayMode = 'l3' | 'l2';

/** What this host has of an overlay for one family: a VXLAN device over the underlay of the same family. */
export type Plane = {
  readonly family: Family;
  readonly mode: OverlayMode;
  /** `flannel.<VNI>` and `flannel-v6.<VNI>`, as Flannel names them; `vxlan.<VNI>` and `vxlan6.<VNI>` in mode l2. */
  readonly device: IfName;
  readonly vni: number;
  readonly port: number;
  /** This host's address on the underlay, and the interface that has it. */
  readonly publicAddress: IpAddress;
  readonly outer: IfName;
  readonly mac: Mac;
  /** Of the VXLAN device and so of the containers, in bytes. */
  readonly mtu: number;
  /** The whole overlay. */
  readonly network: Cidr;
  /** This host's subnet of it; in mode l2 its share of the addresses. */
  readonly subnet: Cidr;
  /** In mode l2, the bridge whose port the device is. */
  readonly bridge: IfName | undefined;
};

/** Another host as a plane sees it. */
export type Peer = {
  readonly subnet: Cidr;
  readonly publicAddress: IpAddress;
  readonly vtepMac: Mac;
  /** Whether the host is on the same link and asked for to be reached without VXLAN (Flannel's DirectRouting). */
  readonly isDirect: boolean;
};
