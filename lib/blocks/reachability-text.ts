import { formatCidr } from '../net/cidr.ts';
import type { Reachability } from '../routing/router.ts';
import { renderHost } from './table/host-text.ts';
import { renderPool } from './table/pool-text.ts';

/** A text that changes when routes may have to: not with every container, as the table does. */
export function reachabilityText({ table, own }: Reachability): string {
  const blocks = [...table.blocks].map(([name, { node, state, loans }]) =>
    [name, node, state, ...[...loans].map(([address, loan]) => `${address}>${loan.node}`)].join(' '),
  );
  const hosts = [...table.hosts.values()].map(
    (host) => `${host.node} ${renderHost({ ...host, lastSeen: undefined })}`,
  );
  const pools = [...table.pools.values()].map((pool) => renderPool(pool));
  return [...own.map(formatCidr), ...blocks.sort(), ...hosts.sort(), ...pools.sort()].join('\n');
}
