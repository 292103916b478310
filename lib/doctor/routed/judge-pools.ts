import type { Link } from '../../iproute/parse.ts';
import { widthOf } from '../../net/address.ts';
import { type Cidr, cidrsOverlap, formatCidr, isWithin, networkOf } from '../../net/cidr.ts';
import { birdProtocol, directProtocol } from '../../routing/protocol.ts';
import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';
import { shellWord } from '../shell-word.ts';
import { noRouted } from './no-routed.ts';
import type { SeenPool } from './seen-pools.ts';
import type { SeenWay } from './seen-ways.ts';

export type PoolsEvidence = {
  readonly pools: readonly SeenPool[];
  /** The names of the links that lead to this host's containers. */
  readonly endpoints: ReadonlySet<string>;
  readonly links: readonly Pick<Link, 'name' | 'kind' | 'addresses'>[];
  readonly ways: readonly SeenWay[];
};

/** @param evidence undefined where this host has no part in the cluster's addresses */
export function judgePools(evidence: PoolsEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return noRouted;
  const { pools, links, ways } = evidence;
  if (pools.length === 0) return [skipped('the cluster has no pool of addresses')];
  const attached = links.flatMap(networksOn);
  const foreign = ways.filter((way) => !isOurs(way, evidence) && !isOfLink(way, attached));
  const verdicts = pools.flatMap((pool) => [
    ...attached
      .filter(({ network }) => cidrsOverlap(network, pool.cidr))
      .map((each) => judgeNetwork(each, pool)),
    ...foreign.filter(({ dst }) => isWithin(dst, pool.cidr)).map((way) => judgeWay(way, pool)),
  ]);
  return orOk(
    verdicts,
    `nobody else has addresses or routes of ${pools.map(({ cidr }) => formatCidr(cidr)).join(', ')}`,
  );
}

function isOurs({ dev, protocol }: SeenWay, { endpoints }: PoolsEvidence): boolean {
  if (protocol === directProtocol || protocol === birdProtocol) return true;
  return dev !== undefined && endpoints.has(dev);
}

/** An address of this host with a network around it. */
type Attached = {
  readonly link: Pick<Link, 'name' | 'kind'>;
  readonly address: Cidr;
  readonly network: Cidr;
};

/** A single address leads nowhere, as that of a container's gateway. */
function networksOn({ addresses, ...link }: PoolsEvidence['links'][number]): readonly Attached[] {
  const wide = addresses.filter((cidr) => cidr.prefixLength < widthOf(cidr.address.family));
  return wide.map((address) => ({ link, address, network: networkOf(address) }));
}

/** The route that comes with the address: what is wrong with it is said of the address. */
function isOfLink({ dev, dst }: SeenWay, attached: readonly Attached[]): boolean {
  return attached.some(({ link, network }) => link.name === dev && formatCidr(network) === formatCidr(dst));
}

/** Also where the pool is a part of the network: its neighbours look for the containers on the link. */
function judgeNetwork({ link, address, network }: Attached, { name, cidr }: SeenPool): Verdict {
  const found = `the pool ${name} (${formatCidr(cidr)}) overlaps with the network ${formatCidr(network)} of ${link.name}`;
  const removal = `ip addr del ${formatCidr(address)} dev ${shellWord(link.name)}`;
  // Not for a physical link: the operator may have come by it.
  const otherwise = link.kind === '' ? '' : `; or, if nobody needs that network: ${removal}`;
  return problem(
    `${found}: routes to containers would cut this host off from what is there`,
    `change the pool ${name} to addresses that are on no link of any host${otherwise}`,
  );
}

/** The longer prefix wins: what is shorter than a block only takes what no host has. */
function judgeWay(way: SeenWay, { name, blockLength }: SeenPool): Verdict {
  const { dst, kind, dev, protocol } = way;
  const where = dev === undefined ? kind : `to ${dev}`;
  const found = `${formatCidr(dst)} of the pool ${name} is routed ${where} by another (protocol ${nameOf(protocol)})`;
  const remedy = `give what is there other addresses, or the pool; or, if nobody needs it: ${removal(way)}`;
  return dst.prefixLength >= blockLength ? problem(found, remedy) : warning(found, remedy);
}

/** As /etc/iproute2/rt_protos has them. */
const protocolNames: Readonly<Record<number, string>> = {
  2: 'kernel',
  3: 'boot',
  4: 'static',
  16: 'dhcp',
  80: 'calico',
  186: 'bgp',
};

function nameOf(protocol: number): string {
  const name = protocolNames[protocol];
  return name === undefined ? `${protocol}` : `${name}, ${protocol}`;
}

function removal({ dst, kind, dev, protocol }: SeenWay): string {
  const what = kind === 'unicast' ? '' : `${kind} `;
  const by = dev === undefined ? '' : ` dev ${shellWord(dev)}`;
  return `ip -${dst.address.family} route del ${what}${formatCidr(dst)}${by} proto ${protocol}`;
}
