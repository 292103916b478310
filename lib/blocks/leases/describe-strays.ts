import { formatAddress } from '../../net/address.ts';
import type { Stray } from '../decide/strays.ts';
import { hostName } from '../status-text.ts';
import type { BlockTable } from '../table/table.ts';
import type { LeasedAddress } from './leases.ts';

/** Which containers have addresses that are not this host's, in words for the operator. */
export function describeStrays(
  strays: readonly Stray[],
  table: BlockTable,
  leases: readonly LeasedAddress[],
): readonly string[] {
  const owners = new Map(leases.map(({ address, owner }) => [formatAddress(address), owner?.containerId]));
  return strays.map(
    (stray) => `${stray.text} of container ${owners.get(stray.text) || '?'} ${whose(stray, table)}`,
  );
}

function whose({ block }: Stray, table: BlockTable): string {
  if (block === undefined) return "is in no block: it is claimed again, or waits for its lender's claim";
  return `belongs to the host ${hostName(table, block.node)} now: make the container anew`;
}
