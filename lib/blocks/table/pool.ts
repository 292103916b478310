import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';

/** Addresses of the cluster that hosts take blocks of: the value of `<prefix>/pools/<name>`. */
export type Pool = {
  /** The last part of its key. */
  readonly name: string;
  /** Without host bits. */
  readonly cidr: Cidr;
  /** The prefix length of its blocks: Calico's `blockSize`. */
  readonly blockLength: number;
  /** Whether containers leave all pools with their host's address. */
  readonly natOutgoing: boolean;
  /** Whether no block and no loan is taken of it any more; what was taken stays. */
  readonly isDisabled: boolean;
};

/** Of which families containers get addresses. */
export function leasedFamilies(pools: readonly Pool[]): readonly Family[] {
  const enabled = pools.filter(({ isDisabled }) => !isDisabled);
  return ([4, 6] as const).filter((family) => enabled.some(({ cidr }) => cidr.address.family === family));
}
