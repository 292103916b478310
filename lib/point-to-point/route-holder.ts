import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import { findRoutes, observeLink } from '../exec/observe.ts';
import type { KernelRoute } from '../iproute/parse.ts';
import type { IpAddress } from '../net/address.ts';
import { asHost, type Cidr, formatCidr } from '../net/cidr.ts';
import { parseIfName } from '../net/ifname.ts';

/**
 * The kernel says "File exists" for a container's address that is routed already: say where to, and whose that is. To be
 * asked when the failed ADD is undone, so that its own routes have gone.
 */
export function explainTakenRoute(
  error: unknown,
  addresses: readonly IpAddress[],
  machine: Machine,
): unknown {
  for (const address of addresses) {
    const [holder] = findRoutes(machine, asHost(address));
    if (holder !== undefined) return taken(error, describeHolder(asHost(address), holder, machine));
  }
  return error;
}

function describeHolder(
  dst: Cidr,
  { link = 'nowhere', gateway, protocol = 'boot' }: KernelRoute,
  machine: Machine,
): string {
  const name = parseIfName(link);
  const alias = name === undefined ? '' : (observeLink(machine, name)?.alias ?? '');
  const owner = alias === '' ? '' : `, which is ${alias}`;
  const way = gateway === undefined ? link : `${gateway} by ${link}`;
  return `${formatCidr(dst)} is routed to ${way}${owner} already (proto ${protocol})`;
}

function taken(error: unknown, holder: string): CniError {
  const { message, details } = toCniError(error);
  return new CniError(
    ErrorCode.internal,
    `${holder}; DEL what has it, or remove the route, and ADD the container again`,
    { cause: error, details: details === undefined ? message : `${message}; ${details}` },
  );
}
