import type { Block, NodeId, Stored } from '../../lib/blocks/table/block.ts';
import type { HostRecord } from '../../lib/blocks/table/host.ts';
import type { Pool } from '../../lib/blocks/table/pool.ts';
import { type BlockTable, emptyBlockTable } from '../../lib/blocks/table/table.ts';
import type { Family, IpAddress } from '../../lib/net/address.ts';
import { parseAddress } from '../../lib/net/address.ts';
import { type Cidr, parseCidr } from '../../lib/net/cidr.ts';
import type { Reachability } from '../../lib/routing/router.ts';
import type { BirdSettings } from '../../lib/routing/settings.ts';
import { address6Of, addressOf } from './underlay.ts';

// Hosts by number: host 2 is node-2, at 192.0.2.2 and 2001:db8:5::2, with the blocks 10.50.2.0/26 and fd00:50::200/122.

export function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no network`);
  return parsed;
}

export function nodeOf(number: number): NodeId {
  return `id-${number}`;
}

export function blockOf(number: number, family: Family = 4): string {
  return family === 4 ? `10.50.${number}.0/26` : `fd00:50::${number}00/122`;
}

/** One host of a cluster: what a test says of it, and otherwise what its number says. */
export type ClusterHost = {
  readonly number: number;
  readonly node?: NodeId;
  readonly name?: string;
  readonly addresses?: readonly string[];
  readonly reflector?: string;
  readonly isDead?: boolean;
  readonly blocks?: readonly string[];
  /** Addresses of its blocks that others have, and whose they are: `{'10.50.2.7': 3}`. */
  readonly lent?: Readonly<Record<string, number>>;
};

export type ClusterPool = { readonly cidr: string; readonly blockLength: number };

/** What the table of the blocks says of such hosts. */
export function tableOf(hosts: readonly ClusterHost[], pools: readonly ClusterPool[]): BlockTable {
  return {
    ...emptyBlockTable,
    pools: new Map(pools.map((pool, index) => [`pool-${index}`, toPool(pool, `pool-${index}`)])),
    hosts: new Map(hosts.map((host) => [idOf(host), toRecord(host)])),
    alive: new Set(hosts.filter(({ isDead }) => isDead !== true).map(idOf)),
    blocks: new Map(hosts.flatMap(toBlocks)),
  };
}

export const pools4: readonly ClusterPool[] = [{ cidr: '10.50.0.0/16', blockLength: 26 }];
export const pools6: readonly ClusterPool[] = [{ cidr: 'fd00:50::/48', blockLength: 122 }];

/** What a host is to reach, and what it announces: its blocks, and what others have lent it. */
export function reachabilityOf(
  number: number,
  hosts: readonly ClusterHost[],
  pools: readonly ClusterPool[] = pools4,
): Reachability {
  const table = tableOf(hosts, pools);
  const own = hosts.find((host) => host.number === number);
  const borrowed = hosts.flatMap(({ lent = {} }) =>
    Object.entries(lent).flatMap(([text, borrower]) => (borrower === number ? [hostCidr(text)] : [])),
  );
  const node = own === undefined ? nodeOf(number) : idOf(own);
  return { node, table, own: [...(own === undefined ? [] : blocksOf(own)), ...borrowed] };
}

/** Settings of a BIRD, with whatever a test changes. */
export function birdSettings(changes: Partial<BirdSettings> = {}): BirdSettings {
  return {
    mode: 'bird',
    resyncMs: 10_000,
    asn: 64512,
    password: undefined,
    holdTimeSeconds: 90,
    gracefulRestartSeconds: 120,
    reflector: undefined,
    peers: [],
    configFile: '/var/lib/fairlead/bird.conf',
    socket: '/run/bird/bird.ctl',
    ...changes,
  };
}

function idOf({ node, number }: ClusterHost): NodeId {
  return node ?? nodeOf(number);
}

function hostCidr(text: string): Cidr {
  return cidr(`${text}/${text.includes(':') ? 128 : 32}`);
}

function blocksOf({ number, blocks = [blockOf(number)] }: ClusterHost): readonly Cidr[] {
  return blocks.map(cidr);
}

function toPool({ cidr: text, blockLength }: ClusterPool, name: string): Pool {
  return { name, cidr: cidr(text), blockLength, natOutgoing: false, isDisabled: false };
}

function toRecord(host: ClusterHost): HostRecord & Stored {
  const { number, addresses = [addressOf(number), address6Of(number)] } = host;
  return {
    node: idOf(host),
    name: host.name ?? `node-${number}`,
    addresses: Object.fromEntries(addresses.map(address).map((each) => [each.family, each])),
    reflector: host.reflector,
    createRevision: number,
    modRevision: number,
  };
}

function toBlocks(host: ClusterHost): readonly (readonly [string, Block & Stored])[] {
  const lent = Object.entries(host.lent ?? {}).map(([text, borrower]) => [text, borrower] as const);
  return blocksOf(host).map((block, index) => {
    const inside = lent.filter(([text]) => text.includes(':') === (block.address.family === 6));
    const loans = inside.map(
      ([text, borrower]) => [text, { address: address(text), node: nodeOf(borrower) }] as const,
    );
    const revision = host.number * 10 + index;
    const stored = { createRevision: revision, modRevision: revision };
    const name = `${host.number}-${index}`;
    return [
      name,
      {
        cidr: block,
        node: idOf(host),
        state: 'confirmed',
        loans: new Map(loans),
        wanted: new Map(),
        used: 0,
        ...stored,
      },
    ];
  });
}
