import { byText, countFree, type Standing } from '../../lib/blocks/decide/standing.ts';
import { shareRanges } from '../../lib/blocks/share/share-ranges.ts';
import type { Block } from '../../lib/blocks/table/block.ts';
import { renderBlock } from '../../lib/blocks/table/block-text.ts';
import { ownOf } from '../../lib/blocks/table/own.ts';
import type { BlockTable } from '../../lib/blocks/table/table.ts';
import { blockTableOf } from '../../lib/blocks/table/update-table.ts';
import type { KeyValue } from '../../lib/etcd/etcd.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../lib/net/address.ts';

/** Below which tables of tests are. */
export const prefix = '/ipam';

/** An address that must be one. */
export function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** What a test says of a block; loans by address, with whom they are of. */
export type BlockSaid = Partial<Omit<Block, 'loans' | 'wanted' | 'cidr'>> & {
  readonly loans?: Readonly<Record<string, string>>;
  readonly wanted?: Readonly<Record<string, number>>;
};

/** The value of a block that is leased from by `me`, but for what a test says. */
export function blockValue({ loans = {}, wanted = {}, ...said }: BlockSaid = {}): string {
  const lent = Object.entries(loans).map(([text, node]) => [text, { address: address(text), node }] as const);
  const block = { node: 'me', state: 'confirmed', used: 0, ...said } as const;
  return renderBlock({ ...block, loans: new Map(lent), wanted: new Map(Object.entries(wanted)) });
}

/** A key as etcd has it; each is made and written at the revision of its place. */
export function keyValue(key: string, value: string, revision: number): KeyValue {
  return { key: `${prefix}/${key}`, value, createRevision: revision, modRevision: revision, lease: '0' };
}

/** A table of keys by their names below the prefix, in the order in which they were made. */
export function tableOf(keys: Readonly<Record<string, string>>): BlockTable {
  const kvs = Object.entries(keys).map(([key, value], at) => keyValue(key, value, at + 1));
  return blockTableOf({ revision: kvs.length, kvs }, prefix);
}

/** How `me` stands, with all ways prepared, but for what a test says. */
export function standingOf(
  table: BlockTable,
  { leased = [], ...said }: Partial<Omit<Standing, 'leased'>> & { readonly leased?: readonly string[] } = {},
): Standing {
  const own = ownOf(table, 'me');
  const taken = byText(leased.map(address));
  const reachable = new Set(own.borrowed.map((each) => formatAddress(each.address)));
  const ranges = shareRanges({ own, pools: table.pools, withheld: new Set(), reachable });
  return {
    node: 'me',
    settings: { spare: 2, releaseAfterMs: 1_000 },
    nowMs: 100_000,
    table,
    own,
    ranges,
    free: countFree({ ranges, leased: taken }),
    leased: taken,
    prepared: new Set(table.blocks.keys()),
    unknown: new Set(),
    underlay: [],
    idle: new Map(),
    asked: new Map(),
    told: new Map([...table.blocks.keys()].map((name) => [name, 100_000])),
    memory: { blocks: new Map(), lent: new Map() },
    mayTake: true,
    ...said,
  };
}
