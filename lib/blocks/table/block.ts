import type { IpAddress } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';

/** The id of a host: what lib/registry/node-id.ts keeps. */
export type NodeId = string;

/**
 * A part of a pool that one host leases addresses from: the value of `<prefix>/blocks/<address>-<length>`. That the key is
 * made by a transaction that requires it not to exist is what keeps a block from having two hosts.
 */
export type Block = {
  /** Without host bits. */
  readonly cidr: Cidr;
  /** Whose it is: its affinity. */
  readonly node: NodeId;
  /**
   * The phase. `pending`: taken in etcd, and nobody may lease from it yet, for the way to it is not prepared; `confirmed`:
   * leased from, and announced; `releasing`: its host leases from it no more, and looks whether an address is still in use.
   */
  readonly state: 'pending' | 'confirmed' | 'releasing';
  /** Addresses that other hosts lease from: each is one host's alone, like the block. By the address's text. */
  readonly loans: ReadonlyMap<string, Loan>;
  /** How many addresses hosts ask its host for, because their pools have no block left. */
  readonly wanted: ReadonlyMap<NodeId, number>;
  /** How many of its addresses are leased to containers, as its host has last told; loans are not among them. */
  readonly used: number;
};

/** One address of a block, lent to another host. */
export type Loan = { readonly address: IpAddress; readonly node: NodeId };

/** How a key stands in etcd. */
export type Stored = {
  readonly createRevision: number;
  readonly modRevision: number;
  /** The key holds by now what is not understood: this is what it held before, and nothing is to be written over it. */
  readonly isOverwritten?: true;
};
