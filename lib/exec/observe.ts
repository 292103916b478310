import { type KernelRoute, type Link, parseLinks, parseRoutes } from '../iproute/parse.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';
import type { IfName } from '../net/ifname.ts';
import type { NftTable } from '../nft/operation.ts';
import { emptyListing, isSameTable, type NftListing, parseNftListing } from '../nft/parse.ts';
import { type Inquiry, inquire, outputOf, toError } from './inquiry.ts';
import { hasInterface, type Machine } from './machine.ts';

/** One link of this thread's namespace with its addresses; undefined where there is none of that name. */
export function observeLink(machine: Machine, name: IfName): Link | undefined {
  return inquire(linkInquiry(machine, name), machine.run);
}

/** The same for whoever has other work to do meanwhile. */
export function* linkInquiry(machine: Pick<Machine, 'readProc'>, name: IfName): Inquiry<Link | undefined> {
  if (!hasInterface(machine, name)) return undefined;
  // It may go between the look and the question: then `ip` fails, and that is the same answer.
  const { status, stdout } = yield { file: 'ip', args: ['-j', '-d', 'addr', 'show', 'dev', name] };
  return status === 0 ? parseLinks(stdout)[0] : undefined;
}

/** The links that are ports of a bridge. */
export function listPorts(machine: Machine, bridge: IfName): readonly Link[] {
  return parseLinks(ask(machine, 'ip', ['-j', 'link', 'show', 'master', bridge]));
}

/** All links of a kind. */
export function listLinks(machine: Machine, kind: 'bridge' | 'ifb' | 'veth' | 'vxlan'): readonly Link[] {
  return parseLinks(ask(machine, 'ip', ['-j', '-d', 'link', 'show', 'type', kind]));
}

/** The routes of both families in all tables. */
export function listRoutes(machine: Machine): readonly KernelRoute[] {
  const show = ['-j', 'route', 'show', 'table', 'all'];
  return ([4, 6] as const).flatMap((family) =>
    parseRoutes(ask(machine, 'ip', [`-${family}`, ...show]), family),
  );
}

/** The routes that lead to a link. */
export function listRoutesTo(machine: Machine, link: IfName): readonly KernelRoute[] {
  return ([4, 6] as const).flatMap((family) =>
    parseRoutes(ask(machine, 'ip', [`-${family}`, '-j', 'route', 'show', 'dev', link]), family),
  );
}

/** The routes of the main table to exactly this destination. */
export function findRoutes(machine: Machine, dst: Cidr): readonly KernelRoute[] {
  const { family } = dst.address;
  const args = [`-${family}`, '-j', 'route', 'show', 'exact', formatCidr(dst)];
  return parseRoutes(ask(machine, 'ip', args), family);
}

/** A chain of a table of ours. */
export type ChainName = { readonly table: NftTable; readonly chain: string };

/**
 * The named chains with their rules; those that do not exist are left out. One process each: nft (1.0.6 and 1.1.3)
 * fails on a script of two `list chain` although both exist.
 */
export function* chainsInquiry(chains: readonly ChainName[]): Inquiry<NftListing> {
  const listings: string[] = [];
  for (const { table, chain } of chains) {
    const args = ['-j', 'list', 'chain', table.family, table.name, chain];
    const { status, stdout } = yield { file: 'nft', args };
    // A failure may mean anything; the caller then writes the chain, which is idempotent, and fails if nft cannot work.
    if (status === 0) listings.push(stdout);
  }
  return parseNftListing(listings.join('\n'));
}

/**
 * The chains of tables of ours with their rules, and the sets without their elements: one process a table, which takes no
 * longer than one that asks for a single chain. Nothing of a table that is absent, or of which nft cannot tell: what is
 * then written is written as a whole.
 */
export function observeRules(machine: Machine, tables: readonly NftTable[]): NftListing {
  const listings = tables.map(({ family, name }) => {
    const { status, stdout } = machine.run({
      file: 'nft',
      args: ['-j', '-t', 'list', 'table', family, name],
    });
    return status === 0 ? stdout : '';
  });
  return parseNftListing(listings.join('\n'));
}

/** Everything in tables of ours, as `observeTable` tells of each. */
export function observeTables(machine: Machine, tables: readonly NftTable[]): NftListing {
  const listings = tables.map((table) => observeTable(machine, table));
  return {
    tables: listings.flatMap((listing) => listing.tables),
    chains: listings.flatMap((listing) => listing.chains),
    rules: listings.flatMap((listing) => listing.rules),
    sets: listings.flatMap((listing) => listing.sets),
    elements: listings.flatMap((listing) => listing.elements),
  };
}

/**
 * Everything in a table of ours; empty where it does not exist.
 * @throws CniError where nft cannot tell: what is not seen would not be removed
 */
export function observeTable(machine: Machine, { family, name }: NftTable): NftListing {
  const args = ['-j', 'list', 'table', family, name];
  const outcome = machine.run({ file: 'nft', args });
  // Where nft is not installed, nothing of ours was made with it.
  if (outcome.status === undefined) return emptyListing;
  if (outcome.status === 0) return parseNftListing(outcome.stdout);
  const { tables } = parseNftListing(ask(machine, 'nft', ['-j', 'list', 'tables', family]));
  if (!tables.some((table) => isSameTable(table, { family, name }))) return emptyListing;
  throw toError('nft', args, outcome);
}

function ask(machine: Machine, file: string, args: readonly string[]): string {
  return inquire(outputOf(file, args), machine.run);
}
