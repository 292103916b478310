import { type IpAddress, isSameAddress } from '../../net/address.ts';
import { asHost, type Cidr, cidrContains, cidrsOverlap, networkOf, parseCidr } from '../../net/cidr.ts';
import { nameOf } from '../table/block-name.ts';
import type { StoredBlock } from '../table/overlap.ts';
import { poolOf } from '../table/own.ts';
import type { Pool } from '../table/pool.ts';
import type { BlockTable } from '../table/table.ts';
import type { Standing } from './standing.ts';

/** An address that a container here has although the table does not say that it is this host's. */
export type Stray = {
  readonly address: IpAddress;
  /** As `Standing.leased` has it. */
  readonly text: string;
  readonly pool: Pool;
  /** The block that it lies in; undefined where it lies in none. */
  readonly block: StoredBlock | undefined;
};

/** The strays among what is leased; what lies in no pool is not the cluster's. */
export function straysOf({
  table,
  own,
  leased,
}: Pick<Standing, 'table' | 'own' | 'leased'>): readonly Stray[] {
  const blocks = own.blocks.map(({ cidr }) => cidr);
  const overlapped = new Set(own.overlapped.map(nameOf));
  return [...leased].flatMap(([text, address]) => {
    if (blocks.some((cidr) => cidrContains(cidr, address))) return [];
    if (own.borrowed.some((each) => isSameAddress(each.address, address))) return [];
    const pool = poolOf(table, asHost(address));
    if (pool === undefined) return [];
    const block = table.blocks
      .values()
      .find((each) => cidrContains(each.cidr, address) && !overlapped.has(nameOf(each)));
    return [{ address, text, pool, block }];
  });
}

/** What nobody can take: every block, also those whose keys are not understood. */
export function takenOf({ blocks, problems }: Pick<BlockTable, 'blocks' | 'problems'>): readonly Cidr[] {
  const unread = [...problems.keys()].map(networkOfKey).filter((cidr) => cidr !== undefined);
  return [...[...blocks.values()].map(({ cidr }) => cidr), ...unread];
}

function networkOfKey(key: string): Cidr | undefined {
  const [, name = ''] = /\/blocks\/([^/]+)$/.exec(key) ?? [];
  const cidr = parseCidr(name.replace(/-(?=\d+$)/, '/'));
  return cidr === undefined ? undefined : networkOf(cidr);
}

/** Whether a block could be made there. */
export function isFree(cidr: Cidr, taken: readonly Cidr[]): boolean {
  return !taken.some((other) => cidrsOverlap(cidr, other));
}
