import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { CommandFailure } from '../errors/command-failure.ts';
import { type KernelRoute, type Link, parseLinks, parseRoutes } from '../iproute/parse.ts';
import type { IfName } from '../net/ifname.ts';
import type { NftTable } from '../nft/operation.ts';
import { type NftListing, parseNftListing } from '../nft/parse.ts';
import { hasInterface, type Machine } from './machine.ts';

/** One link of this thread's namespace with its addresses; undefined where there is none of that name. */
export function observeLink(machine: Machine, name: IfName): Link | undefined {
  if (!hasInterface(machine, name)) return undefined;
  // It may go between the look and the question: then `ip` fails, and that is the same answer.
  const outcome = machine.run({ file: 'ip', args: ['-j', '-d', 'addr', 'show', 'dev', name] });
  return outcome.status === 0 ? parseLinks(outcome.stdout)[0] : undefined;
}

/** The links that are ports of a bridge. */
export function listPorts(machine: Machine, bridge: IfName): readonly Link[] {
  return parseLinks(ask(machine, 'ip', ['-j', 'link', 'show', 'master', bridge]));
}

/** All links of a kind ("veth", "bridge"). */
export function listLinks(machine: Machine, kind: 'bridge' | 'veth'): readonly Link[] {
  return parseLinks(ask(machine, 'ip', ['-j', '-d', 'link', 'show', 'type', kind]));
}

/** The main table's routes of both families. */
export function listRoutes(machine: Machine): readonly KernelRoute[] {
  return [4, 6].flatMap((family) => parseRoutes(ask(machine, 'ip', [`-${family}`, '-j', 'route', 'show'])));
}

/** A chain of a table of ours. */
export type ChainName = { readonly table: NftTable; readonly chain: string };

/** The named chains with their rules, asked for in one process; those that do not exist are left out. */
export function observeChains(machine: Machine, chains: readonly ChainName[]): NftListing {
  if (chains.length === 0) return parseNftListing('');
  // As an argument: with -j, a script on stdin would have to be JSON, and is silently ignored otherwise.
  const script = chains
    .map(({ table, chain }) => `list chain ${table.family} ${table.name} ${chain}`)
    .join('; ');
  const outcome = machine.run({ file: 'nft', args: ['-j', script] });
  // nft fails where one of them is absent; the caller then writes all of them, which is idempotent.
  return parseNftListing(outcome.status === 0 ? outcome.stdout : '');
}

/** Everything in a table of ours; empty where it does not exist. */
export function observeTable(machine: Machine, { family, name }: NftTable): NftListing {
  const outcome = machine.run({ file: 'nft', args: ['-j', 'list', 'table', family, name] });
  return parseNftListing(outcome.status === 0 ? outcome.stdout : '');
}

function ask(machine: Machine, file: string, args: readonly string[]): string {
  const outcome = machine.run({ file, args });
  if (outcome.status === 0) return outcome.stdout;
  const failure = new CommandFailure({ argv: [file, ...args], stdin: undefined, ...outcome });
  throw new CniError(ErrorCode.internal, failure.message, { cause: failure });
}
