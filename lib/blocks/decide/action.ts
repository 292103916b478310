import type { IpAddress } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import type { Block, NodeId } from '../table/block.ts';
import type { StoredBlock } from '../table/overlap.ts';

/** The next thing that a host does about its addresses: one write to one key of etcd. */
export type Action =
  /** Makes a block; what is known to be lent of it stays lent. */
  | { readonly kind: 'claim'; readonly cidr: Cidr; readonly loans: Block['loans'] }
  /** Leases from a pending block from now on. */
  | { readonly kind: 'confirm'; readonly block: StoredBlock }
  /** Leases from a block no more that this host knows nothing of, until the others have marked what they have of it. */
  | { readonly kind: 'suspend'; readonly block: StoredBlock }
  /** Says which addresses of a block that its host does not lease from yet this host's containers have. */
  | { readonly kind: 'mark'; readonly block: StoredBlock; readonly addresses: readonly IpAddress[] }
  /** Asks another host for addresses. */
  | { readonly kind: 'want'; readonly block: StoredBlock; readonly count: number }
  /** Asks no more. */
  | { readonly kind: 'unwant'; readonly block: StoredBlock }
  /** Lends addresses to a host that has asked, as far as they are free at that moment; none is an answer, too. */
  | {
      readonly kind: 'lend';
      readonly block: StoredBlock;
      readonly to: NodeId;
      readonly addresses: readonly IpAddress[];
    }
  /** Gives back borrowed addresses, as far as they are free at that moment. */
  | { readonly kind: 'return'; readonly block: StoredBlock; readonly addresses: readonly IpAddress[] }
  /** Leases from a block no more, to see whether it can be given back. */
  | { readonly kind: 'withdraw'; readonly block: StoredBlock }
  /** Gives a block back that is not leased from, unless a container has an address of it; then it is leased from again. */
  | { readonly kind: 'release'; readonly block: StoredBlock }
  /** Gives a block up that an older one overlaps with, unless a container has an address of it. */
  | { readonly kind: 'drop'; readonly block: StoredBlock }
  /** Tells how much of a block is used. */
  | { readonly kind: 'tell'; readonly block: StoredBlock };
