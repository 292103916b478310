import type { NodeId } from '../../blocks/table/block.ts';
import type { Family, IpAddress } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import { hash64 } from '../../net/hash.ts';
import type { Reachability } from '../router.ts';
import type { BirdSettings } from '../settings.ts';
import { acceptedOf, type Pattern } from './accepted.ts';
import { lentOf } from './lent.ts';
import type { BirdPasswords } from './passwords.ts';
import { type Session, sessionsOf } from './sessions.ts';

/** What BIRD is to do for this host. */
export type BirdWish = {
  readonly routerId: IpAddress;
  /** Those that have pools: there are sessions for no other. */
  readonly families: readonly Family[];
  readonly sessions: readonly Session[];
  /** Which of the others' networks are taken. */
  readonly accepted: readonly Pattern[];
  /** Blocks and single addresses of this host. */
  readonly own: readonly Cidr[];
  /** Addresses of this host's blocks that others have: of what is in its blocks, these alone are learned. */
  readonly lent: readonly IpAddress[];
  /** All pools: what the kernel has of them is the containers'. */
  readonly pools: readonly Cidr[];
  /** Networks of the underlay that pools overlap with: nothing of them is taken from anybody. */
  readonly spared: readonly Cidr[];
};

/** The wish, and what of the cluster contradicts itself. Pure. */
export function birdWish(
  reachability: Reachability & Partial<Pick<BirdWish, 'spared'>>,
  settings: BirdSettings,
  passwords: BirdPasswords,
): { readonly wish: BirdWish; readonly problems: readonly string[] } {
  const { node, table, own, spared = [] } = reachability;
  const { sessions, problems } = sessionsOf(reachability, settings, passwords);
  const accepted = acceptedOf(reachability);
  const families = ([4, 6] as const).filter((family) =>
    [...own, ...accepted.map(({ network }) => network)].some(({ address }) => address.family === family),
  );
  const pools = [...table.pools.values()].map(({ cidr }) => cidr);
  const routerId = table.hosts.get(node)?.addresses[4] ?? derivedRouterId(node);
  const spoken = sessions.filter(({ remote }) => families.includes(remote.family));
  const lent = lentOf(reachability);
  return { wish: { routerId, families, sessions: spoken, accepted, own, lent, pools, spared }, problems };
}

/** A host without IPv4 needs a number of that kind all the same: from 1.0.0.0 to 223.255.255.255, where addresses of hosts are. */
function derivedRouterId(node: NodeId): IpAddress {
  const hash = BigInt(`0x${hash64(`router id ${node}`).slice(0, 8)}`);
  return { family: 4, bits: 0x0100_0000n + (hash % 0xdf00_0000n) };
}
