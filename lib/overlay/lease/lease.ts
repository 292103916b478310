import type { IpAddress } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Mac } from '../../net/mac.ts';
import type { ByFamily } from './by-family.ts';

/** How to reach a host's containers of one family. */
export type Endpoint = {
  readonly subnet: Cidr;
  /** The host's address on the underlay, of the same family. */
  readonly publicAddress: IpAddress;
  readonly vni: number;
  /** The MAC of the host's VXLAN device. */
  readonly vtepMac: Mac;
};

/** A host's lease, as its key and value in etcd tell it. */
export type SubnetLease = {
  /** The last part of the key: "10.5.34.0-24", or "10.5.34.0-24&fd00:…-64". */
  readonly name: string;
  /** One for each family that the host has; at least one. */
  readonly endpoints: ByFamily<Endpoint>;
  /** The machine whose lease it is, where one of ours has written it: its address may change, its id does not. */
  readonly node: string | undefined;
};

/** A subnet of each family that there is one of. */
export type Subnets = ByFamily<Cidr>;
