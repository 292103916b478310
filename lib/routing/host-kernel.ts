import { type Inquiry, outputOf } from '../exec/inquiry.ts';
import { parseLinks } from '../iproute/parse.ts';
import { parseTableRoutes, type TableRoute } from '../iproute/parse-routes.ts';
import type { Cidr } from '../net/cidr.ts';
import { type IfName, parseIfName } from '../net/ifname.ts';

/** What the kernel has that the ways to other hosts depend on. */
export type HostKernel = {
  /** The main table's, of both families. */
  readonly routes: readonly TableRoute[];
  /** The addresses of links that are up, each with its network. */
  readonly attached: readonly Attached[];
};

/** A network that is on a link of this host, and this host's address in it. */
export type Attached = { readonly link: IfName; readonly network: Cidr };

/**
 * Asks for it: three processes, however many routes are wished. The whole table, since whose route already has a
 * destination would otherwise be a question for each.
 * @throws CniError where `ip` cannot tell
 */
export function* observeHost(): Inquiry<HostKernel> {
  const links = parseLinks(yield* outputOf('ip', ['-j', 'addr', 'show', 'up']));
  const attached = links.flatMap(({ name, addresses }) => {
    const link = parseIfName(name);
    return link === undefined ? [] : addresses.map((network) => ({ link, network }));
  });
  return { routes: yield* observeRoutes(), attached };
}

/** The routes alone: two processes. @throws CniError where `ip` cannot tell */
export function* observeRoutes(): Inquiry<readonly TableRoute[]> {
  const v4 = parseTableRoutes(yield* outputOf('ip', ['-4', ...showRoutes]), 4);
  return [...v4, ...parseTableRoutes(yield* outputOf('ip', ['-6', ...showRoutes]), 6)];
}

/** Numeric (`-N`): a name for a protocol's number may be in this machine's /etc/iproute2/rt_protos. */
const showRoutes = ['-N', '-j', 'route', 'show'] as const;
