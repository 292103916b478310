import type { Pool } from '../blocks/table/pool.ts';
import { masqueradeBySource } from '../masquerade/by-source.ts';
import { type Cidr, isWithin } from '../net/cidr.ts';
import type { WriteChain } from '../nft/operation.ts';

/**
 * The chain by which containers of pools that ask for it leave all pools with their host's address (Calico's
 * `natOutgoing`). Without rules where no pool asks for it.
 */
export function natOutgoing(pools: readonly Pool[]): WriteChain {
  const all = pools.map(({ cidr }) => cidr);
  return masqueradeBySource({
    chain: 'masq_pools',
    owner: 'pools',
    sources: pools.filter((pool) => pool.natOutgoing).map(({ cidr }) => cidr),
    insideOf: ({ address }) => outermost(all.filter((cidr) => cidr.address.family === address.family)),
  });
}

/** A set must not have an interval within another one. */
function outermost(networks: readonly Cidr[]): readonly Cidr[] {
  return networks.filter(
    (network, at) =>
      !networks.some(
        (other, otherAt) =>
          otherAt !== at &&
          isWithin(network, other) &&
          (other.prefixLength < network.prefixLength || otherAt < at),
      ),
  );
}
