import type { IpAddress } from '../../net/address.ts';
import type { Reachability } from '../router.ts';

/** The addresses of a host's blocks that other hosts have. */
export function lentOf({ node, table }: Reachability): readonly IpAddress[] {
  return [...table.blocks.values()]
    .filter((block) => block.node === node)
    .flatMap(({ loans }) => [...loans.values()])
    .filter((loan) => loan.node !== node)
    .map(({ address }) => address);
}
