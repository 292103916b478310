import type { TableRoute } from '../iproute/parse-routes.ts';
import { formatAddress } from '../net/address.ts';
import { formatCidr } from '../net/cidr.ts';
import type { ContainerLinks } from './host-kernel.ts';
import { birdProtocol, directProtocol } from './protocol.ts';

/** Who a route is by, for those that an operator is likely to meet. */
const makers: Readonly<Record<number, string>> = {
  2: 'the kernel, for an address of the interface',
  3: 'somebody, by hand',
  4: 'an administrator',
  [birdProtocol]: 'BIRD',
  16: 'a DHCP client',
  [directProtocol]: 'an agent, changed since',
  186: 'FRR',
};

/** Says that a route which is not the agent's has a destination that is wished, and what helps. */
export function describeHolder(route: TableRoute, containers: ContainerLinks): string {
  const [alias] = route.hops.flatMap(({ link }) => containers.get(link) ?? []);
  return alias === undefined ? describeForeign(route) : describeContainer(route, alias);
}

/** The plugin's routes have no protocol of their own, so they look like somebody's, by hand. */
function describeContainer({ dst, hops }: TableRoute, alias: string): string {
  const who = alias === '' ? 'a container' : `the container ${alias}`;
  return (
    `the way to ${formatCidr(dst)} is taken: the route${describeHops(hops)} leads to ${who} on this host, ` +
    'though another host has that address now; the container goes on with it until it is deleted (CNI DEL) and added again'
  );
}

function describeForeign({ dst, hops, protocol }: TableRoute): string {
  const maker = makers[protocol] === undefined ? '' : ` (${makers[protocol]})`;
  const what = formatCidr(dst);
  return (
    `the way to ${what} has a route already that is not ours: ${what}${describeHops(hops)}, protocol ${protocol}${maker}: ` +
    'it is left alone; remove it if it is not wanted (ip route del)'
  );
}

function describeHops(hops: TableRoute['hops']): string {
  const [first] = hops;
  if (first === undefined) return ', which leads nowhere';
  if (hops.length > 1) return ` by ${hops.map(({ link }) => link).join(' and ')}`;
  return `${first.via === undefined ? '' : ` via ${formatAddress(first.via)}`} dev ${first.link}`;
}
