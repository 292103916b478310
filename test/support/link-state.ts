import type { RunSync } from '../../lib/exec/command.ts';

/** Numbers that the kernel gives in the order of events, and what follows an event later, by itself. */
const passing = new Set([
  ...['ifindex', 'link_index', 'link_netnsid', 'operstate', 'tentative', 'dadfailed', 'cache_info'],
  ...['root_id', 'bridge_id', 'designated_root', 'designated_bridge', 'refcnt', 'used', 'confirmed'],
  ...['updated', 'topology_change', 'topology_change_detected', 'expires', 'linkdown'],
]);
const isTimer = (key: string) => key.endsWith('_timer') || key.endsWith('_life_time');
/** Flags of links and routes that somebody has set. */
const chosenFlags = ['UP', 'PROMISC', 'ALLMULTI', 'onlink'];

/** Links, addresses, routes and neighbours of this thread's network namespace, less what passes by itself. */
export function readLinkState(run: RunSync): unknown {
  return {
    links: list(run, 'addr'),
    routes4: list(run, '-4', 'route', 'show', 'table', 'all'),
    routes6: list(run, '-6', 'route', 'show', 'table', 'all').filter(isLasting),
    // They come in the order of a hash that is another one in each namespace.
    neighbours: list(run, 'neigh', 'show', 'nud', 'permanent')
      .map((entry) => JSON.stringify(entry))
      .sort(),
  };
}

function list(run: RunSync, ...args: readonly string[]): readonly Record<string, unknown>[] {
  const { status, stdout, stderr } = run({ file: 'ip', args: ['-j', '-d', ...args] });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout.trim() === '' ? '[]' : stdout, (key, value) => lastingOf(key, value));
}

function lastingOf(key: string, value: unknown): unknown {
  if (key === 'flags' && Array.isArray(value)) return value.filter((flag) => chosenFlags.includes(flag));
  // A port's, which follows its carrier; a neighbour's is a list.
  if (key === 'state' && typeof value === 'string') return undefined;
  return passing.has(key) || isTimer(key) ? undefined : value;
}

/** The kernel makes those of the local table once duplicate address detection has ended. */
function isLasting({ table, type }: Record<string, unknown>): boolean {
  return table !== 'local' && type !== 'multicast' && type !== 'anycast';
}
