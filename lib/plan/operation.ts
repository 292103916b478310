import type { ResultRoute } from '../cni/result.ts';
import type { Cidr } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import type { Mac } from '../net/mac.ts';
import type { NftOperation } from '../nft/operation.ts';

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
      readonly peer: {
        readonly name: IfName;
        readonly mac: Mac;
        /** Path of the namespace that the peer is made in; the host's own where absent. */
        readonly netns?: string;
      };
    }
  | { readonly kind: 'delete-link'; readonly name: IfName }
  | { readonly kind: 'set-mac'; readonly name: IfName; readonly mac: Mac }
  | { readonly kind: 'set-alias'; readonly name: IfName; readonly alias: string }
  | { readonly kind: 'set-master'; readonly name: IfName; readonly master: IfName }
  | { readonly kind: 'set-promiscuous'; readonly name: IfName }
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
    }
  | { readonly kind: 'add-route'; readonly link: IfName; readonly route: ResultRoute };

/** VLAN membership of a bridge port; one line of `bridge -batch`. */
export type BridgeOperation = {
  readonly kind: 'add-vlan' | 'delete-vlan';
  readonly port: IfName;
  readonly firstId: number;
  readonly lastId: number;
  /** Whether untagged frames of the port belong to this VLAN. */
  readonly untagged: boolean;
};

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

export type Operation =
  | UnusedBridgeOperation
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
