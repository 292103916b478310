import type { OuterWish } from '../overlay/kernel/outer-wish.ts';

/** Where the pools, the blocks and the hosts are in etcd, unless the operator says otherwise. */
export const defaultBlockPrefix = '/fairlead/ipam';

/** What an operator has decided of a host's part in the cluster's addresses; the pools are in etcd, for all hosts. */
export type BlocksSettings = {
  /** Below it are pools, hosts and blocks in etcd; without a slash at its end. */
  readonly prefix: string;
  /** The CNI network whose containers get these addresses. */
  readonly network: string;
  /** By which address the other hosts send here. */
  readonly outer: OuterWish;
  /** Bytes that a container's packet may have on its way to the other hosts; undefined: what the interface takes. */
  readonly mtu: number | undefined;
  /** How many addresses of each family are kept free, so that an ADD finds one. */
  readonly spare: number;
  /** For how long a block must have been empty before it is given back. */
  readonly releaseAfterMs: number;
  /** How far two looks at a dead container's lease are apart before the lease is freed. */
  readonly leakIntervalMs: number;
  /** How long this host counts as alive without a sign of life. */
  readonly hostTtlSeconds: number;
  /** Where what this host leases from is written for the plugin `routed`: absolute path. */
  readonly shareFile: string;
  /** Where host-local keeps its leases: absolute path. */
  readonly dataDir: string;
};
