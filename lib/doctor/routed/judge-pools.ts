import { formatCidr, isWithin } from '../../net/cidr.ts';
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
  readonly ways: readonly SeenWay[];
};

/** @param evidence undefined where this host has no part in the cluster's addresses */
export function judgePools(evidence: PoolsEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return noRouted;
  const { pools, ways } = evidence;
  if (pools.length === 0) return [skipped('the cluster has no pool of addresses')];
  const foreign = ways.filter((way) => !isOurs(way, evidence));
  const verdicts = pools.flatMap((pool) =>
    foreign.filter(({ dst }) => isWithin(dst, pool.cidr)).map((way) => judgeWay(way, pool)),
  );
  return orOk(verdicts, `nobody else has routes of ${pools.map(({ cidr }) => formatCidr(cidr)).join(', ')}`);
}

function isOurs({ dev, protocol }: SeenWay, { endpoints }: PoolsEvidence): boolean {
  if (protocol === directProtocol || protocol === birdProtocol) return true;
  return dev !== undefined && endpoints.has(dev);
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
