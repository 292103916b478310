import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { formatCidr } from '../net/cidr.ts';
import type { Reachability, RoutingStatus } from './router.ts';

/**
 * Whether containers can be given addresses of all that is new to a host. What it leases from already does not count: its
 * containers are there, and what has happened to it must not keep the new from coming.
 * @throws CniError code 11 where something new is not announced, with what stands in the way
 */
export function requirePrepared(
  { node, table, own }: Reachability,
  { announced, problems }: Pick<RoutingStatus, 'announced' | 'problems'>,
): void {
  const leased = table.blocks.values().filter((block) => block.node === node && block.state !== 'pending');
  const ready = new Set([...announced, ...leased.map(({ cidr }) => formatCidr(cidr))]);
  const missing = own.map(formatCidr).filter((dst) => !ready.has(dst));
  if (missing.length === 0) return;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `no addresses of ${missing.join(', ')} are given out before the routes are made: ${problems.join('; ') || 'not done yet'}`,
  );
}
