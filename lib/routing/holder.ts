import type { TableRoute } from '../iproute/parse-routes.ts';
import { formatAddress } from '../net/address.ts';
import { formatCidr } from '../net/cidr.ts';
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

/** Says that somebody else's route has a destination that is wished, and what helps. */
export function describeHolder(what: string, { dst, hops, protocol }: TableRoute): string {
  const maker = makers[protocol] === undefined ? '' : ` (${makers[protocol]})`;
  return (
    `${what} has a route already that is not ours: ${formatCidr(dst)}${describeHops(hops)}, protocol ${protocol}${maker}: ` +
    'it is left alone; remove it if it is not wanted (ip route del)'
  );
}

function describeHops(hops: TableRoute['hops']): string {
  const [first] = hops;
  if (first === undefined) return ', which leads nowhere';
  if (hops.length > 1) return ` by ${hops.map(({ link }) => link).join(' and ')}`;
  return `${first.via === undefined ? '' : ` via ${formatAddress(first.via)}`} dev ${first.link}`;
}
