/** What `GET /v1/ipam` tells of the cluster's addresses; texts and numbers only. */
export type IpamStatus = {
  /** This host's id. */
  readonly node: string;
  readonly network: string;
  readonly etcd: { readonly endpoint: string; readonly isConnected: boolean; readonly because?: string };
  readonly pools: readonly PoolStatus[];
  readonly blocks: readonly BlockStatus[];
  readonly hosts: readonly HostStatus[];
  /** What this host leases from, and how many addresses of that are free. */
  readonly share: { readonly ranges: readonly string[]; readonly leased: number; readonly free: number };
  /** Leases of containers that are dead, seen once: freed when seen so again. */
  readonly suspects: readonly {
    readonly address: string;
    readonly because: string;
    readonly since: string;
  }[];
  /** How many such leases were freed since the agent began. */
  readonly reclaimed: number;
  readonly problems: readonly string[];
};

export type PoolStatus = {
  readonly name: string;
  readonly cidr: string;
  readonly blockLength: number;
  readonly natOutgoing: boolean;
  readonly isDisabled: boolean;
  /** How many blocks it has room for, and how many are taken; texts where a number would not hold them. */
  readonly blocks: string;
  readonly taken: number;
  readonly used: number;
};

export type BlockStatus = {
  readonly cidr: string;
  readonly pool: string;
  /** The id of whose it is, and the host name. */
  readonly node: string;
  readonly host: string;
  readonly isHostAlive: boolean;
  readonly state: 'pending' | 'confirmed' | 'releasing';
  readonly size: string;
  readonly used: number;
  readonly loans: readonly { readonly address: string; readonly host: string }[];
};

export type HostStatus = {
  readonly node: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly isAlive: boolean;
  readonly blocks: number;
  readonly used: number;
};
