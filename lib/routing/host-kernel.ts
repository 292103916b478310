import { type Inquiry, outputOf } from '../exec/inquiry.ts';
import { type Link, parseLinks } from '../iproute/parse.ts';
import { parseTableRoutes, type TableRoute } from '../iproute/parse-routes.ts';
import type { Cidr } from '../net/cidr.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';
import { checkedGroup, uncheckedGroup } from '../point-to-point/link-group.ts';

/** What the kernel has that the ways to other hosts depend on. */
export type HostKernel = HostLinks & {
  /** The main table's, of both families. */
  readonly routes: readonly TableRoute[];
};

/** Links that are up. */
export type HostLinks = {
  /** Their addresses, each with its network. */
  readonly attached: readonly Attached[];
  readonly containers: ContainerLinks;
};

/** A network that is on a link of this host, and this host's address in it. */
export type Attached = { readonly link: IfName; readonly network: Cidr };

/** Those that lead to one container each, by name, with the alias that says whose each is; it may be empty. */
export type ContainerLinks = ReadonlyMap<string, string>;

/**
 * Asks for it: three processes, however many routes are wished. The whole table, since whose route already has a
 * destination would otherwise be a question for each.
 * @throws CniError where `ip` cannot tell
 */
export function* observeHost(): Inquiry<HostKernel> {
  const links = yield* observeLinks();
  return { ...links, routes: yield* observeRoutes() };
}

/** The links alone: one process, in detail, for the aliases. @throws CniError where `ip` cannot tell */
export function* observeLinks(): Inquiry<HostLinks> {
  const links = parseLinks(yield* outputOf('ip', ['-j', '-d', 'addr', 'show', 'up']));
  const containers = links.filter(isContainers).map(({ name, alias }) => [name, alias] as const);
  return { attached: links.flatMap(attachedTo), containers: new Map(containers) };
}

/** The routes alone: two processes. @throws CniError where `ip` cannot tell */
export function* observeRoutes(): Inquiry<readonly TableRoute[]> {
  const v4 = parseTableRoutes(yield* outputOf('ip', ['-4', ...showRoutes]), 4);
  return [...v4, ...parseTableRoutes(yield* outputOf('ip', ['-6', ...showRoutes]), 6)];
}

/** Numeric (`-N`): a name for a protocol's number may be in this machine's /etc/iproute2/rt_protos. */
const showRoutes = ['-N', '-j', 'route', 'show'] as const;

const containerGroups: readonly string[] = [checkedGroup, uncheckedGroup].map(String);

function isContainers({ kind, group = '' }: Link): boolean {
  return kind === 'veth' && containerGroups.includes(group);
}

function attachedTo({ name, addresses }: Link): readonly Attached[] {
  const link = parseIfName(name);
  return link === undefined ? [] : addresses.map((network) => ({ link, network }));
}
