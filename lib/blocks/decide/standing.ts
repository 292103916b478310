import { type Family, formatAddress, type IpAddress } from '../../net/address.ts';
import { type Cidr, cidrContains } from '../../net/cidr.ts';
import type { Memory } from '../memory.ts';
import type { BlocksSettings } from '../settings.ts';
import { hasAddress, type ShareRange } from '../share/share.ts';
import { rangeSize } from '../share/share-ranges.ts';
import type { NodeId } from '../table/block.ts';
import type { StoredBlock } from '../table/overlap.ts';
import type { Own } from '../table/own.ts';
import type { BlockTable } from '../table/table.ts';

/** How a host stands at one moment: all that its next step is decided by. */
export type Standing = {
  readonly node: NodeId;
  readonly settings: Pick<BlocksSettings, 'spare' | 'releaseAfterMs'>;
  readonly nowMs: number;
  readonly table: BlockTable;
  readonly own: Own;
  /** What it leases from. */
  readonly ranges: readonly ShareRange[];
  /** How many addresses of each family a container could get at this moment. */
  readonly free: Readonly<Record<Family, number>>;
  /** What its containers have, by text. */
  readonly leased: ReadonlyMap<string, IpAddress>;
  /** Names of its pending blocks that the way is prepared to. */
  readonly prepared: ReadonlySet<string>;
  /** Names of its blocks that it knows nothing of: not to be leased from before the others have said what they have there. */
  readonly unknown: ReadonlySet<string>;
  /** What of the pools must be no container's, for the hosts themselves are reached by it. */
  readonly underlay: readonly Cidr[];
  /** Since when blocks (by name) and borrowed addresses (by text) could have been given back. */
  readonly idle: ReadonlyMap<string, number>;
  /** When hosts were asked for addresses. */
  readonly asked: ReadonlyMap<NodeId, number>;
  /** When it was told how much of a block is used, by name. */
  readonly told: ReadonlyMap<string, number>;
  /** What it has had, and what nobody has taken from it by right. */
  readonly memory: Pick<Memory, 'blocks' | 'lent'>;
  /** Whether new blocks may be taken: not while others look for what they had. */
  readonly mayTake: boolean;
};

/** How many addresses of each family are leased to nobody. */
export function countFree(shared: Pick<Standing, 'ranges' | 'leased'>): Standing['free'] {
  return { 4: countFreeOf(4, shared), 6: countFreeOf(6, shared) };
}

function countFreeOf(family: Family, { ranges, leased }: Pick<Standing, 'ranges' | 'leased'>): number {
  const ours = ranges.filter(({ first }) => first.family === family);
  const size = ours.reduce((sum, range) => sum + rangeSize(range), 0);
  const taken = leased.values().filter((address) => hasAddress({ ranges: ours }, address));
  return size - [...taken].length;
}

/** The leased addresses of a block that are not lent. */
export function usedOf({ cidr, loans }: StoredBlock, { leased }: Pick<Standing, 'leased'>): number {
  return [...leased].filter(([text, address]) => cidrContains(cidr, address) && !loans.has(text)).length;
}

/** Addresses by their text. */
export function byText(addresses: readonly IpAddress[]): ReadonlyMap<string, IpAddress> {
  return new Map(addresses.map((address) => [formatAddress(address), address]));
}
