import type { DriftStatus } from '../daemon/drift.ts';

/** What the agent tells of its overlay; texts and numbers only, as they go out in JSON. */
export type OverlayStatus = {
  readonly mode: 'l3' | 'l2';
  readonly lease: {
    /** `waiting` for a configuration, etcd or a free subnet; `lost` while running containers keep what is not ours. */
    readonly state: 'waiting' | 'held' | 'lost';
    readonly because?: string;
    /** The last part of its key in etcd. */
    readonly name?: string;
    readonly subnets: readonly string[];
    /** Seconds until it ends unless it is renewed; absent for one that does not end. */
    readonly secondsLeft?: number;
    /** Who has taken the subnet that was ours. */
    readonly takenBy?: string;
  };
  readonly etcd: { readonly endpoint: string; readonly isConnected: boolean; readonly because?: string };
  readonly devices: readonly DeviceStatus[];
  readonly peers: readonly PeerStatus[];
  /** Leases of others that are not followed or not understood, and why: nothing that this host could mend. */
  readonly refused: readonly { readonly lease: string; readonly because: string }[];
  readonly drift: DriftStatus;
  /** When the peers, the lease or the devices last changed, and what did; times as in RFC 3339. */
  readonly lastChange?: { readonly at: string; readonly what: string };
  /** What is wrong with this host's own part; empty where all is well, or only etcd is away and its lease still holds. */
  readonly problems: readonly string[];
};

export type DeviceStatus = {
  readonly name: string;
  readonly network: string;
  readonly subnet: string;
  readonly vni: number;
  readonly port: number;
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  readonly publicAddress: string;
  readonly interface: string;
};

export type PeerStatus = {
  readonly subnet: string;
  readonly publicAddress: string;
  readonly vtepMac: string;
  /** Whether it is reached without VXLAN. */
  readonly isDirect: boolean;
};
