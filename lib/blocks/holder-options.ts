import type { Etcd } from '../etcd/etcd.ts';
import type { Log } from '../log/log.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Reachability } from '../routing/router.ts';
import type { Leases } from './leases/leases.ts';
import type { BlocksSettings } from './settings.ts';
import type { Share } from './share/share.ts';
import type { NodeId } from './table/block.ts';
import type { HostRecord } from './table/host.ts';

/** How this host is reached by the others, and how large their packets may be. */
export type BlockSelf = Omit<HostRecord, 'node'> & {
  /** Bytes that a container's packet may have on its way to the other hosts. */
  readonly mtu: number;
  /** Those on its links: no container may have an address there. */
  readonly networks: readonly Cidr[];
};

export type BlockHolderOptions = {
  /** Stays the caller's. */
  readonly etcd: Etcd;
  readonly settings: Pick<
    BlocksSettings,
    'prefix' | 'network' | 'dataDir' | 'spare' | 'releaseAfterMs' | 'leakIntervalMs' | 'hostTtlSeconds'
  >;
  /** The id of this machine. */
  readonly node: NodeId;
  /** The id that the kernel has given this boot. */
  readonly bootId: string;
  readonly leases: Leases;
  /**
   * Makes the ways to what is to be this host's: all of it, with the blocks that are not leased from yet; and takes away
   * those to hosts that have given back what they had borrowed. Called before anything new is leased from, and again while
   * it rejects. With BIRD it does not reject while that is away: containers of one host reach each other, and the problems
   * tell it.
   */
  readonly prepare: (reachability: Reachability) => Promise<void>;
  /** The text of the share as it stands, be it that of the run before; undefined where there is none. */
  readonly readShare: () => string | undefined;
  /** @throws CniError where the file cannot be written: then nothing is given up */
  readonly writeShare: (share: Share) => void;
  /** Called after each change of what is to be reached. */
  readonly onChange: (reachability: Reachability) => void;
  readonly log: Log;
  /** Of a clock that goes on while the machine is suspended. */
  readonly nowMs: () => number;
};
