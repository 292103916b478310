import { addressAfter, formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import { asHost } from '../../net/cidr.ts';
import { addressAt, sizeOf } from '../table/block-size.ts';
import type { StoredBlock } from '../table/overlap.ts';
import { type Own, poolOf } from '../table/own.ts';
import type { BlockTable } from '../table/table.ts';
import type { ShareRange } from './share.ts';

/** What decides on what a host leases from. */
export type Shared = {
  readonly own: Own;
  readonly pools: BlockTable['pools'];
  /** By text: addresses that are being given up, and that nobody may lease although they are still this host's. */
  readonly withheld: ReadonlySet<string>;
  /** By text: borrowed addresses to which there is a way. A block is not confirmed before that. */
  readonly reachable: ReadonlySet<string>;
};

/** What a host leases from, in order: nothing of what lies in no pool (any more), or in a disabled one. */
export function shareRanges(shared: Shared): readonly ShareRange[] {
  const { own, pools, withheld, reachable } = shared;
  const blocks = own.blocks.filter(({ state }) => state === 'confirmed');
  const borrowed = own.borrowed
    .map(({ address }) => address)
    .filter((address) => reachable.has(formatAddress(address)) && !withheld.has(formatAddress(address)));
  const runs = [...blocks.flatMap((block) => leasable(block, withheld)), ...joined(borrowed)];
  return runs
    .toSorted((one, other) => byAddress(one.first, other.first))
    .flatMap((run) => {
      const pool = poolOf({ pools }, asHost(run.first));
      return pool === undefined || pool.isDisabled ? [] : [{ pool: pool.cidr, ...run }];
    });
}

type AddressRun = Omit<ShareRange, 'pool'>;

/** The block without what is lent or withheld. */
function leasable({ cidr, loans }: StoredBlock, withheld: ReadonlySet<string>): readonly AddressRun[] {
  const away = [...withheld, ...loans.keys()];
  if (away.length === 0) return [{ first: addressAt(cidr, 0), last: addressAt(cidr, sizeOf(cidr) - 1) }];
  const gone = new Set(away);
  const all = Array.from({ length: sizeOf(cidr) }, (_, number) => addressAt(cidr, number));
  return joined(all.filter((address) => !gone.has(formatAddress(address))));
}

function joined(addresses: readonly IpAddress[]): readonly AddressRun[] {
  const runs: AddressRun[] = [];
  for (const address of addresses.toSorted(byAddress)) {
    const before = runs.at(-1);
    if (before !== undefined && isSameAddress(addressAfter(before.last), address))
      runs[runs.length - 1] = { first: before.first, last: address };
    else runs.push({ first: address, last: address });
  }
  return runs;
}

function byAddress(one: IpAddress, other: IpAddress): number {
  if (one.family !== other.family) return one.family - other.family;
  return one.bits === other.bits ? 0 : one.bits < other.bits ? -1 : 1;
}

/** How many addresses a range has. */
export function rangeSize({ first, last }: ShareRange): number {
  return Number(last.bits - first.bits) + 1;
}
