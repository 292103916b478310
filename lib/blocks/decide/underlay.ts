import { formatAddress } from '../../net/address.ts';
import { asHost, type Cidr, cidrsOverlap, formatCidr } from '../../net/cidr.ts';
import type { HostRecord } from '../table/host.ts';
import type { Own } from '../table/own.ts';
import type { BlockTable } from '../table/table.ts';

type Known = Pick<BlockTable, 'pools' | 'hosts'>;

/**
 * What of the pools carries the packets between hosts: networks on links of this one, and the addresses of all. A route to
 * a block there would take from this host the way to its neighbours, or to etcd.
 */
export function underlayOf(table: Known, networks: readonly Cidr[]): readonly Cidr[] {
  return partsOf(table, networks).map(({ cidr }) => cidr);
}

/** The pools that have something of the underlay, in words for the operator; each network once, and one host for all. */
export function underlayProblems(table: Known, networks: readonly Cidr[]): readonly string[] {
  const found = partsOf(table, networks);
  const hosts = found.filter(({ isHost }) => isHost);
  const told = [...found.filter(({ isHost }) => !isHost), ...hosts.slice(0, 1)];
  return told.map(
    ({ cidr, what }) =>
      `${poolsWith(table, cidr)} overlaps with ${what}: no block there is taken or leased from; change the pool`,
  );
}

/** What is this host's without what lies in the underlay. */
export function apartFrom(underlay: readonly Cidr[], own: Own): Own {
  if (underlay.length === 0) return own;
  return {
    ...own,
    blocks: own.blocks.filter(({ cidr }) => !isIn(underlay, cidr)),
    borrowed: own.borrowed.filter(({ address }) => !isIn(underlay, asHost(address))),
  };
}

/** Whether a network has anything of the underlay. */
export function isIn(underlay: readonly Cidr[], cidr: Cidr): boolean {
  return underlay.some((part) => cidrsOverlap(part, cidr));
}

type Part = { readonly cidr: Cidr; readonly what: string; readonly isHost: boolean };

function partsOf({ pools, hosts }: Known, networks: readonly Cidr[]): readonly Part[] {
  const inPools = (part: Cidr) => pools.values().some(({ cidr }) => cidrsOverlap(cidr, part));
  return [
    ...networks.filter(inPools).map(toLinkPart),
    ...[...hosts.values()].flatMap((host) => hostParts(host).filter(({ cidr }) => inPools(cidr))),
  ];
}

function toLinkPart(cidr: Cidr): Part {
  return { cidr, what: `${formatCidr(cidr)}, which is on a link of this host`, isHost: false };
}

function hostParts({ name, addresses }: HostRecord): readonly Part[] {
  return Object.values(addresses).map((address) => ({
    cidr: asHost(address),
    what: `${formatAddress(address)}, the address of the host ${name}`,
    isHost: true,
  }));
}

function poolsWith({ pools }: Known, part: Cidr): string {
  const names = [...pools.values()].filter(({ cidr }) => cidrsOverlap(cidr, part));
  return names.map(({ name, cidr }) => `the pool ${name} (${formatCidr(cidr)})`).join(' and ');
}
