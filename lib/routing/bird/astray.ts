import type { TableRoute } from '../../iproute/parse-routes.ts';
import { formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import { cidrContains, formatCidr } from '../../net/cidr.ts';
import { birdProtocol, directProtocol } from '../protocol.ts';
import type { Wanted } from '../wanted.ts';

/**
 * The ways that lead to another host than that which has the block or the address: somebody announces what is not its
 * own. Pure.
 *
 * @param birds what BIRD has found, by destination
 */
export function describeAstray(
  wanted: readonly Wanted[],
  birds: ReadonlyMap<string, TableRoute>,
  table: readonly TableRoute[],
): readonly string[] {
  const names = new Map(wanted.flatMap(namedAddress));
  const gatewaysTo = gatewaysIn(table);
  return wanted.flatMap((each) => {
    const via = strayGateway(birds.get(formatCidr(each.dst)), each.nextHop, gatewaysTo);
    return via === undefined ? [] : describeStray(each, nameGateway(via, names));
  });
}

function describeStray({ dst, host, nextHop }: Wanted, stranger: string): string {
  const address = nextHop === undefined ? '' : ` (${formatAddress(nextHop)})`;
  return (
    `${formatCidr(dst)} is of the host ${host}${address}, but BIRD has learned that it is reached by ${stranger}: ` +
    `find out who announces it (birdc show route for ${formatCidr(dst)} all), and have that stopped`
  );
}

function nameGateway(via: IpAddress, names: ReadonlyMap<string, string>): string {
  const name = names.get(formatAddress(via));
  return name === undefined ? formatAddress(via) : `the host ${name} at ${formatAddress(via)}`;
}

function namedAddress({ nextHop, host }: Wanted): readonly (readonly [string, string])[] {
  return nextHop === undefined ? [] : [[formatAddress(nextHop), host]];
}

type GatewaysTo = (address: IpAddress) => readonly IpAddress[];

/** Of several gateways the first that is wrong; undefined also where nothing tells how its host is reached. */
function strayGateway(
  route: TableRoute | undefined,
  nextHop: IpAddress | undefined,
  gatewaysTo: GatewaysTo,
): IpAddress | undefined {
  if (route === undefined || nextHop === undefined) return undefined;
  const vias = route.hops.flatMap(({ via }) => via ?? []);
  const strange = vias.filter((via) => !isSameAddress(via, nextHop));
  if (strange.length === 0) return undefined;
  const known = gatewaysTo(nextHop);
  if (known.length === 0) return undefined;
  return strange.find((via) => !known.some((gateway) => isSameAddress(gateway, via)));
}

/** By which gateways a host is reached, its own address where it is on a link; found out once for each. */
function gatewaysIn(table: readonly TableRoute[]): GatewaysTo {
  const underlay = table.filter(({ protocol }) => protocol !== birdProtocol && protocol !== directProtocol);
  const known = new Map<string, readonly IpAddress[]>();
  return (address) => {
    const text = formatAddress(address);
    const gateways = known.get(text) ?? lookUp(address, underlay);
    known.set(text, gateways);
    return gateways;
  };
}

function lookUp(address: IpAddress, routes: readonly TableRoute[]): readonly IpAddress[] {
  const leading = routes.filter(({ dst }) => cidrContains(dst, address));
  const longest = Math.max(...leading.map(({ dst }) => dst.prefixLength));
  return leading
    .filter(({ dst }) => dst.prefixLength === longest)
    .flatMap(({ hops }) => hops.map(({ via }) => via ?? address));
}
