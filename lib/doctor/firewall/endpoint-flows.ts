import { widthOf } from '../../net/address.ts';
import { type Cidr, isWithin } from '../../net/cidr.ts';
import { birdProtocol, directProtocol } from '../../routing/protocol.ts';
import type { SeenWay } from '../routed/seen-ways.ts';
import type { Flow } from './firewall.ts';

/** What the ways of packets depend on where containers have links of their own. */
export type RoutedHost = {
  /** Of the cluster's addresses; empty where they are not known. */
  readonly pools: readonly Cidr[];
  /** The names of the links that lead to containers. */
  readonly endpoints: ReadonlySet<string>;
  readonly ways: readonly SeenWay[];
  /** The interface to other networks; undefined where there is none. */
  readonly outside: string | undefined;
};

/**
 * The ways that packets of such containers have to go. Pools stay and links do not, so what lets a pool through goes by
 * its network; of an address in no pool nobody knows the network, and what lets it through goes by the links' names.
 */
export function endpointFlows(host: RoutedHost): readonly Flow[] {
  const { pools, endpoints, ways, outside } = host;
  const others = ways
    .filter(({ dev, dst }) => endpoints.has(dev ?? '') && dst.prefixLength === widthOf(dst.address.family))
    .map(({ dst }) => dst)
    .filter((address) => !pools.some((pool) => isWithin(address, pool)));
  return [
    ...pools.flatMap((pool) => [
      ...outwards(pool, outside, 'networks'),
      ...betweenHosts(pool, host),
      ...(endpoints.size > 1 ? [withinPool(pool, { from: anyEndpoint, to: anyEndpoint })] : []),
    ]),
    ...others.flatMap((address) => [
      ...outwards(address, outside, 'links'),
      ...(endpoints.size > 1 ? [amongLinks(address)] : []),
    ]),
  ];
}

/** All of them: the rest of such a name is a hash of the container's, and it ends with the container. */
const anyEndpoint = 'veth*';

/** What others begin from elsewhere is no matter of every network. */
function outwards(network: Cidr, outside: string | undefined, toldBy: Flow['toldBy']): readonly Flow[] {
  if (outside === undefined) return [];
  const { family: as } = network.address;
  const [there, back] = [
    { from: anyEndpoint, to: outside },
    { from: outside, to: anyEndpoint },
  ];
  return [
    { ...there, as, state: 'new', source: network, destination: undefined, toldBy },
    { ...back, as, state: 'established', source: undefined, destination: network, toldBy },
  ];
}

/** Over every interface by which blocks of other hosts are reached. */
function betweenHosts(pool: Cidr, { ways }: RoutedHost): readonly Flow[] {
  const devices = ways
    .filter(({ dst, protocol }) => isWithin(dst, pool) && isAgents(protocol))
    .flatMap(({ dev }) => (dev === undefined ? [] : [dev]));
  return [...new Set(devices)].flatMap((device) => [
    withinPool(pool, { from: anyEndpoint, to: device }),
    withinPool(pool, { from: device, to: anyEndpoint }),
  ]);
}

function isAgents(protocol: number): boolean {
  return protocol === directProtocol || protocol === birdProtocol;
}

function withinPool(pool: Cidr, way: Pick<Flow, 'from' | 'to'>): Flow {
  const { family: as } = pool.address;
  return { ...way, as, state: 'new', source: pool, destination: pool, toldBy: 'networks' };
}

function amongLinks(address: Cidr): Flow {
  const { family: as } = address.address;
  const way = { from: anyEndpoint, to: anyEndpoint };
  return { ...way, as, state: 'new', source: address, destination: undefined, toldBy: 'links' };
}
