import type { BlockTable } from '../../blocks/table.ts';
import { widthOf } from '../../net/address.ts';
import { type Cidr, formatCidr, isWithin } from '../../net/cidr.ts';

/** Networks of one length inside of a network. */
export type Pattern = { readonly network: Cidr; readonly length: number };

/**
 * What the other hosts may announce: blocks of the pools, and single addresses of them. By the pools rather than by the
 * blocks, so that a new block is learned while etcd is away. Blocks of a length that their pool no longer has, or of a pool
 * that is gone, are taken, too.
 */
export function acceptedOf({ pools, blocks }: Pick<BlockTable, 'pools' | 'blocks'>): readonly Pattern[] {
  const patterns = [...pools.values()].flatMap(({ cidr, blockLength }) => withSingles(cidr, blockLength));
  const networks = [...pools.values()].map(({ cidr }) => cidr);
  for (const { cidr } of blocks.values())
    patterns.push(...withSingles(networks.find((pool) => isWithin(cidr, pool)) ?? cidr, cidr.prefixLength));
  return [...new Map(patterns.map((pattern) => [textOf(pattern), pattern])).values()].toSorted(byText);
}

function withSingles(network: Cidr, length: number): readonly Pattern[] {
  const single = widthOf(network.address.family);
  return [
    { network, length },
    { network, length: single },
  ];
}

function byText(one: Pattern, other: Pattern): number {
  return textOf(one) < textOf(other) ? -1 : 1;
}

function textOf({ network, length }: Pattern): string {
  return `${formatCidr(network)} ${String(length).padStart(3, '0')}`;
}
