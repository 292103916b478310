import type { Block, NodeId } from '../blocks/table/block.ts';
import type { HostRecord } from '../blocks/table/host.ts';
import { overlappedBlocks } from '../blocks/table/overlap.ts';
import type { IpAddress } from '../net/address.ts';
import { asHost, type Cidr } from '../net/cidr.ts';
import type { Reachability } from './router.ts';

/** What another host has, a block or a borrowed address, and where it is to be sent. */
export type Wanted = {
  readonly dst: Cidr;
  readonly node: NodeId;
  /** Its host name; its id where it has none. */
  readonly host: string;
  /** Its address of the destination's family; undefined where it has none. */
  readonly nextHop: IpAddress | undefined;
};

/**
 * All that other hosts have. A block that is pending is among it: its first container finds the way prepared. One that an
 * older block overlaps with is not.
 */
export function wantedOf({ node, table }: Reachability): readonly Wanted[] {
  const overlapped = overlappedBlocks(table.blocks);
  const blocks = [...table.blocks].flatMap(([name, block]) => (overlapped.has(name) ? [] : block));
  return blocks.flatMap(holdingsOf).flatMap((holding) => {
    if (holding.node === node) return [];
    const record = table.hosts.get(holding.node);
    const nextHop = record?.addresses[holding.dst.address.family];
    return [{ ...holding, host: nameOf(holding.node, record), nextHop }];
  });
}

/** How a host is called for people. */
export function nameOf(node: NodeId, record: Pick<HostRecord, 'name'> | undefined): string {
  return record === undefined || record.name === '' ? node : record.name;
}

type Holding = Pick<Wanted, 'dst' | 'node'>;

/** A block is its host's but for the addresses that are lent. */
function holdingsOf({ cidr, node, loans }: Block): readonly Holding[] {
  const lent = [...loans.values()].filter((loan) => loan.node !== node);
  return [
    { dst: cidr, node },
    ...lent.map(({ address, node: borrower }) => ({ dst: asHost(address), node: borrower })),
  ];
}
