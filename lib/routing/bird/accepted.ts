import { widthOf } from '../../net/address.ts';
import { asHost, type Cidr, formatCidr, isWithin } from '../../net/cidr.ts';
import type { Reachability } from '../router.ts';

/** Networks of one length inside of a network. */
export type Pattern = { readonly network: Cidr; readonly length: number };

/**
 * What the other hosts may announce: blocks, by the pools rather than by the table, so that a new one is learned while etcd
 * is away; blocks of a length that their pool no longer has, or of a pool that is gone, are taken, too. And single
 * addresses that are lent, each by itself: a loan is nobody's before etcd has it, and whoever announces an address takes
 * its packets from everybody.
 */
export function acceptedOf({
  node,
  table: { pools, blocks },
}: Omit<Reachability, 'own'>): readonly Pattern[] {
  const patterns = [...pools.values()].map(({ cidr, blockLength }) => ({
    network: cidr,
    length: blockLength,
  }));
  const networks = patterns.map(({ network }) => network);
  for (const block of blocks.values()) {
    const { cidr, loans } = block;
    const network = networks.find((pool) => isWithin(cidr, pool)) ?? cidr;
    patterns.push({ network, length: cidr.prefixLength });
    for (const loan of block.node === node ? [] : loans.values())
      if (loan.node !== node) patterns.push(single(asHost(loan.address)));
  }
  return [...new Map(patterns.map((pattern) => [textOf(pattern), pattern])).values()].toSorted(byText);
}

function single(network: Cidr): Pattern {
  return { network, length: widthOf(network.address.family) };
}

function byText(one: Pattern, other: Pattern): number {
  return textOf(one) < textOf(other) ? -1 : 1;
}

function textOf({ network, length }: Pattern): string {
  return `${formatCidr(network)} ${String(length).padStart(3, '0')}`;
}
