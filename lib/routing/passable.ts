import { widthOf } from '../net/address.ts';
import { asHost, type Cidr, cidrsOverlap, formatCidr, isWithin, networkOf } from '../net/cidr.ts';
import type { Attached } from './host-kernel.ts';
import type { Reachability } from './router.ts';
import { nameOf } from './wanted.ts';

/** What can be led to containers while all hosts stay reachable. */
export type Passable = {
  /** Without the blocks and addresses that must not be led anywhere. */
  readonly reachability: Reachability;
  /** Networks on this host's links, and addresses of hosts, that pools or blocks overlap with: to be taken from nobody. */
  readonly spared: readonly Cidr[];
  readonly problems: readonly string[];
};

/**
 * Leaves out what overlaps with the underlay. A route to a part of a link's network, or to the very address that its
 * gateway is, would take the hosts there from this one; one to more than the network would lead to half of its containers.
 * Pure.
 */
export function passableOf(reachability: Reachability, attached: readonly Attached[]): Passable {
  const { table, own } = reachability;
  const spared = sparedOf(reachability, attached);
  if (spared.length === 0) return { reachability, spared: [], problems: [] };
  const isPassable = (cidr: Cidr) => !spared.some(({ network }) => cidrsOverlap(network, cidr));
  const led = [...table.blocks.values().map(({ cidr }) => cidr), ...own];
  const blocks = new Map([...table.blocks].filter(([, { cidr }]) => isPassable(cidr)));
  return {
    reachability: { ...reachability, table: { ...table, blocks }, own: own.filter(isPassable) },
    spared: spared.map(({ network }) => network),
    problems: spared.flatMap((each) => describeSpared(each, led)),
  };
}

type Spared = {
  readonly network: Cidr;
  /** For people. */
  readonly what: string;
};

/** Seldom any: what no pool and no block comes near is left out first, for there may be thousands of blocks. */
function sparedOf(reachability: Reachability, attached: readonly Attached[]): readonly Spared[] {
  const areas = areasOf(reachability);
  const all = [...onLinks(attached), ...hostsOf(reachability)];
  const distinct = new Map(all.map((each) => [formatCidr(each.network), each]));
  return [...distinct.values()].filter(({ network }) => areas.some((area) => cidrsOverlap(area, network)));
}

/** The pools, and what is of no pool any more. */
function areasOf({ table, own }: Reachability): readonly Cidr[] {
  const pools = [...table.pools.values()].map(({ cidr }) => cidr);
  const led = [...table.blocks.values().map(({ cidr }) => cidr), ...own];
  return [...pools, ...led.filter((cidr) => !pools.some((pool) => isWithin(cidr, pool)))];
}

/** An address without a network is no matter: what is for it never gets to the routes. */
function onLinks(attached: readonly Attached[]): readonly Spared[] {
  return attached
    .filter(({ network }) => network.prefixLength < widthOf(network.address.family))
    .map(({ link, network }) => ({ network: networkOf(network), what: `the network of ${link}` }));
}

function hostsOf({ table }: Reachability): readonly Spared[] {
  return [...table.hosts.values()].flatMap((host) =>
    Object.values(host.addresses).map((address) => ({
      network: asHost(address),
      what: `the address of the host ${nameOf(host.node, host)}`,
    })),
  );
}

function describeSpared({ network, what }: Spared, led: readonly Cidr[]): readonly string[] {
  const refused = new Set(led.filter((cidr) => cidrsOverlap(cidr, network)).map(formatCidr));
  const [first] = refused;
  if (first === undefined) return [];
  const more = refused.size === 1 ? '' : ` and ${refused.size - 1} more`;
  return [
    `no way is made to ${first}${more}: ${formatCidr(network)} is ${what}, and that would cut hosts off; ` +
      'give the pool addresses that no link and no host has',
  ];
}
