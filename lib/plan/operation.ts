import type { ResultRoute } from '../cni/result.ts';
import type { ForwardKeeper } from '../iptables/forward-script.ts';
import type { IpAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import type { Mac } from '../net/mac.ts';
import type { NftOperation } from '../nft/operation.ts';
import type { TcOperation } from '../tc/operation.ts';
import type { Flow } from './flow.ts';

/** In whose network namespace an operation is carried out. */
export type Place = 'host' | 'container';

/** What `ip` does; one line of its batch each. */
export type IpOperation =
  | {
      readonly kind: 'add-bridge';
      readonly name: IfName;
      readonly mac: Mac;
      readonly mtu: number | undefined;
      readonly vlanFiltering: boolean;
    }
  | {
      readonly kind: 'add-veth';
      readonly name: IfName;
      readonly mac: Mac;
      /** Bytes, of both ends. */
      readonly mtu: number;
      /** Link group of the host end; the kernel's usual one (0) where absent. */
      readonly group?: number;
      readonly peer: {
        readonly name: IfName;
        readonly mac: Mac;
        /** Path of the namespace that the peer is made in; the host's own where absent. */
        readonly netns?: string;
      };
    }
  | AddVxlan
  | { readonly kind: 'delete-link'; readonly name: IfName }
  | { readonly kind: 'set-mtu'; readonly name: IfName; readonly mtu: number }
  | { readonly kind: 'set-mac'; readonly name: IfName; readonly mac: Mac }
  | { readonly kind: 'set-alias'; readonly name: IfName; readonly alias: string }
  | { readonly kind: 'set-master'; readonly name: IfName; readonly master: IfName }
  | { readonly kind: 'unset-master'; readonly name: IfName }
  /** A device that holds up what is led to it. */
  | { readonly kind: 'add-ifb'; readonly name: IfName; readonly mac: Mac; readonly mtu: number }
  | { readonly kind: 'set-promiscuous' | 'unset-promiscuous'; readonly name: IfName }
  | { readonly kind: 'set-allmulticast' | 'unset-allmulticast'; readonly name: IfName }
  /** In packets. */
  | { readonly kind: 'set-tx-queue-length'; readonly name: IfName; readonly length: number }
  | { readonly kind: 'set-vlan-filtering'; readonly name: IfName }
  | { readonly kind: 'set-up'; readonly name: IfName }
  | {
      readonly kind: 'set-port';
      readonly name: IfName;
      readonly hairpin: boolean;
      readonly isolated: boolean;
    }
  | {
      readonly kind: 'add-address' | 'delete-address';
      readonly link: IfName;
      readonly address: Cidr;
      /** Whether duplicate address detection is left on (IPv6). */
      readonly detectDuplicates: boolean;
      /** `host`: never the source of what the host itself sends elsewhere. */
      readonly scope?: 'host';
      /** `none`: the kernel does not take the address's network for reachable on the link. */
      readonly prefixRoute?: 'none';
    }
  | { readonly kind: 'add-route'; readonly link: IfName; readonly route: ContainerRoute }
  | ({ readonly kind: 'add-host-route' } & HostRoute)
  | ({ readonly kind: 'replace-neighbour' | 'delete-neighbour' } & Neighbour)
  | ({ readonly kind: 'prepend-route' | 'replace-route' | 'delete-route' } & ExactRoute)
  | ({ readonly kind: 'add-blackhole' | 'delete-blackhole' } & BlackholeRoute);

/** A route of a container: one of the result's, or one that leads to a gateway and says which address is the source. */
export type ContainerRoute = ResultRoute & { readonly src?: IpAddress };

/** The host's route to one address of a container. Another one to the same destination is never replaced. */
export type HostRoute = {
  readonly link: IfName;
  /** /32 or /128. */
  readonly dst: Cidr;
  /** IPv4's; IPv6 has none. */
  readonly scope: 'host' | 'link';
};

/** Makes a VXLAN device, whose settings the kernel does not let change later. */
type AddVxlan = {
  readonly kind: 'add-vxlan';
  readonly name: IfName;
  readonly mac: Mac;
  /** Bytes. */
  readonly mtu: number;
  readonly vni: number;
  /** UDP. */
  readonly port: number;
  /** This host's address on the underlay, and the interface that has it. */
  readonly local: IpAddress;
  readonly outer: IfName;
  /** Whether the device learns from what it receives which host has which MAC. */
  readonly learning: boolean;
  /** How many MACs it knows at the most; undefined for any number. */
  readonly maxAddresses: number | undefined;
};

/** A permanent neighbour: the MAC of an address, which nobody is asked for. */
export type Neighbour = { readonly link: IfName; readonly address: IpAddress; readonly mac: Mac };

/** A route with all that tells it from others, so that removing it removes no other. */
export type ExactRoute = {
  readonly link: IfName;
  readonly dst: Cidr;
  /** The gateway; undefined where all of `dst` is on the link. */
  readonly via: IpAddress | undefined;
  /** Whether the gateway counts as on the link although no address of the link says so. */
  readonly isOnLink: boolean;
  /** The lowest one wins among routes to the same destination; 0 is IPv4's usual one. */
  readonly metric: number;
  /** Number of who has made it, as in /etc/iproute2/rt_protos. */
  readonly protocol: number;
};

/** A route that ends here: what no narrower route leads on is dropped. */
export type BlackholeRoute = Pick<ExactRoute, 'dst' | 'metric' | 'protocol'>;

/** One line of `bridge -batch`. */
export type BridgeOperation =
  | VlanOperation
  | ({ readonly kind: 'replace-fdb' | 'delete-fdb' } & FdbEntry)
  | ({ readonly kind: 'append-flood' | 'delete-flood' } & FloodEntry);

/** VLAN membership of a bridge port. */
export type VlanOperation = {
  readonly kind: 'add-vlan' | 'delete-vlan';
  readonly port: IfName;
  readonly firstId: number;
  readonly lastId: number;
  /** Whether untagged frames of the port belong to this VLAN. */
  readonly untagged: boolean;
};

/** The host to which a VXLAN device sends what is for a MAC. */
export type FdbEntry = { readonly device: IfName; readonly mac: Mac; readonly dst: IpAddress };

/** The MAC under which a VXLAN device keeps the hosts to which it floods. */
export const floodMac = '00:00:00:00:00:00';

/** A host to which a VXLAN device sends a copy of what is for everyone, or for a MAC it does not know. */
export type FloodEntry = { readonly device: IfName; readonly dst: IpAddress };

/** A write below /proc/sys/net. */
export type SysctlOperation = {
  readonly kind: 'set-sysctl';
  /** Path below /proc/sys/net. */
  readonly path: string;
  readonly value: string;
  /** Whether a kernel without the setting (IPv6 switched off) is no error. */
  readonly ifPresent?: boolean;
};

/** Waits until no IPv6 address of the interface is tentative. */
export type SettleOperation = {
  readonly kind: 'await-addresses';
  readonly link: IfName;
  readonly timeoutMs: number;
};

/**
 * Removes a bridge if it has no port. The kernel has no such verb: an ADD that joins between the look and the removal
 * sees at its end that the bridge has gone, and begins again.
 */
export type UnusedBridgeOperation = { readonly kind: 'delete-unused-bridge'; readonly name: IfName };

/** Has conntrack forget flows, so that the rules of now decide where they go. */
export type ForgetFlowsOperation = { readonly kind: 'forget-flows'; readonly flows: readonly Flow[] };

/** Has a chain of another program's, which drops what is forwarded, let containers' traffic through. */
export type AcceptForwardedOperation = { readonly kind: 'accept-forwarded' } & ForwardKeeper;

/** Keeps what a later call needs to know. */
export type FileOperation =
  | { readonly kind: 'write-file'; readonly path: string; readonly text: string }
  | { readonly kind: 'remove-file'; readonly path: string };

export type Operation =
  | UnusedBridgeOperation
  | FileOperation
  | AcceptForwardedOperation
  | ForgetFlowsOperation
  | TcOperation
  | IpOperation
  | BridgeOperation
  | SysctlOperation
  | SettleOperation
  | NftOperation;

/** One thing to do, where, and what takes it back. */
export type Step = {
  readonly place: Place;
  readonly operation: Operation;
  /** Absent where a later undo takes this away, too (a link's address goes with the link), or where it is to stay. */
  readonly undo?: Operation;
};

/** Ordered steps; pure data, made by the planners and carried out by lib/exec. */
export type Plan = readonly Step[];
