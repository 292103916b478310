import { formatCidr } from '../net/cidr.ts';
import { directProtocol } from './protocol.ts';
import type { Reachability } from './router.ts';

/** Tells of routes, links and addresses that come, change and go, one a line. */
export const routeMonitor = {
  file: 'ip',
  args: ['-o', 'monitor', 'label', 'link', 'address', 'route'],
} as const;

/** The destinations whose routes are listened for: where one is replaced only the new one is told, which may be anybody's. */
export function destinationsOf({ table }: Reachability): ReadonlySet<string> {
  return new Set(['default', ...table.blocks.values().map(({ cidr }) => formatCidr(cidr))]);
}

const ownRoute = new RegExp(`\\bproto ${directProtocol}\\b`);

/** Whether a line may be about what leads to other hosts: containers' links come and go all the time. */
export function concernsRoutes(line: string, destinations: ReadonlySet<string>): boolean {
  const [, label, text = ''] = /^\[(\w+)\](.*)/.exec(line) ?? [];
  if (label !== 'ROUTE') return !/\bveth/.test(text);
  return ownRoute.test(text) || text.split(/\s+/).some((word) => destinations.has(word));
}
