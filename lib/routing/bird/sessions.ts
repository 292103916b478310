import type { NodeId, Stored } from '../../blocks/table/block.ts';
import type { HostRecord } from '../../blocks/table/host.ts';
import { formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import type { BgpStatus } from '../bgp-status.ts';
import type { Reachability } from '../router.ts';
import type { BgpPeerSettings, BirdSettings } from '../settings.ts';
import { nameOf } from '../wanted.ts';
import type { BirdPasswords } from './passwords.ts';

/** One BGP session: IPv4's routes over IPv4, IPv6's over IPv6. */
export type Session = {
  /** Of the protocol in BIRD's configuration: derived from the address, so that a host that stays keeps its session. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly kind: BgpStatus['neighbours'][number]['kind'];
  /** This host's end; undefined: the kernel chooses. */
  readonly local: IpAddress | undefined;
  readonly remote: IpAddress;
  readonly asn: number;
  readonly password: string | undefined;
  /** How many hops away it may be; undefined: it is on a link of this host. */
  readonly multihop: number | 'any' | undefined;
  /** Whether it is a host of the cluster: of others no way to containers is taken. */
  readonly isHost: boolean;
  /** The cluster id under which its routes are reflected to the others. */
  readonly reflectedUnder: string | undefined;
  /** Whether it should be up. */
  readonly isExpected: boolean;
};

type Sessions = { readonly sessions: readonly Session[]; readonly problems: readonly string[] };

/**
 * With whom this host speaks BGP: all other hosts; or, where there are route reflectors, they with all and everybody else
 * with them. Then the configured peers, which come before a host of the same address.
 */
export function sessionsOf(
  reachability: Reachability,
  settings: BirdSettings,
  passwords: BirdPasswords,
): Sessions {
  const { node, table } = reachability;
  const self = table.hosts.get(node);
  const peers = settings.peers.map((peer, index) =>
    toPeerSession({ peer, password: passwords.peers[index] }, reachability),
  );
  const isReflected = settings.reflector !== undefined || others(reachability).some(isReflector);
  const hosts = others(reachability).filter(
    (host) => !isReflected || settings.reflector !== undefined || isReflector(host),
  );
  const { chosen, problems } = withoutTwins(
    hosts.flatMap((host) => endsOf(host, self)),
    reachability,
  );
  const sessions = chosen
    .filter(({ remote }) => !peers.some((peer) => isSameAddress(peer.remote, remote)))
    .map((end) => toHostSession(end, { settings, password: passwords.hosts, alive: table.alive }));
  return { sessions: [...sessions, ...peers], problems };
}

type Host = HostRecord & Stored;

/** A host's address in a family that this host has, too. */
type End = { readonly host: Host; readonly local: IpAddress; readonly remote: IpAddress };

function others({ node, table }: Reachability): readonly Host[] {
  return [...table.hosts.values()].filter((host) => host.node !== node);
}

function isReflector({ reflector }: HostRecord): boolean {
  return reflector !== undefined;
}

function endsOf(host: Host, self: Host | undefined): readonly End[] {
  return ([4, 6] as const).flatMap((family) => {
    const [local, remote] = [self?.addresses[family], host.addresses[family]];
    return local === undefined || remote === undefined ? [] : [{ host, local, remote }];
  });
}

/** Of two hosts with one address one has gone: that which is alive counts, or that which came last. */
function withoutTwins(
  ends: readonly End[],
  { table: { alive } }: Reachability,
): { readonly chosen: readonly End[]; readonly problems: readonly string[] } {
  const standing = ({ host }: End) => (alive.has(host.node) ? 1 : 0);
  const ranked = ends.toSorted(
    (one, other) => standing(other) - standing(one) || other.host.createRevision - one.host.createRevision,
  );
  const byAddress = new Map<string, End>();
  const problems: string[] = [];
  for (const end of ranked) {
    const address = formatAddress(end.remote);
    const winner = isSameAddress(end.remote, end.local) ? 'this host' : byAddress.get(address)?.host.name;
    if (winner === undefined) byAddress.set(address, end);
    else problems.push(describeTwin(end.host, winner, address));
  }
  const chosen = [...byAddress.values()].toSorted((one, other) => compare(one.remote, other.remote));
  return { chosen, problems };
}

function describeTwin({ name, node }: Host, winner: string, address: string): string {
  return (
    `the host ${nameOf(node, { name })} (${node}) has the address ${address} of ${winner}, so there is no BGP session with it: ` +
    'if it is gone, "fairlead ipam release-host" removes it'
  );
}

function compare(one: IpAddress, other: IpAddress): number {
  if (one.family !== other.family) return one.family - other.family;
  return one.bits < other.bits ? -1 : 1;
}

type Common = {
  readonly settings: BirdSettings;
  readonly password: string | undefined;
  readonly alive: ReadonlySet<NodeId>;
};

function toHostSession({ host, local, remote }: End, { settings, password, alive }: Common): Session {
  const { asn, reflector } = settings;
  const isClient = reflector !== undefined && !isReflector(host);
  return {
    name: protocolName('host', remote),
    title: nameOf(host.node, host),
    kind: isClient ? 'client' : isReflector(host) ? 'reflector' : 'mesh',
    ...{ local, remote, asn, password },
    multihop: 'any',
    isHost: true,
    reflectedUnder: isClient ? reflector : undefined,
    isExpected: alive.has(host.node),
  };
}

function toPeerSession(
  { peer, password }: { readonly peer: BgpPeerSettings; readonly password: string | undefined },
  reachability: Reachability,
): Session {
  const { address, asn, name, multihop } = peer;
  const self = reachability.table.hosts.get(reachability.node);
  const isItsAddress = (own: IpAddress) => isSameAddress(own, address);
  return {
    name: protocolName('peer', address),
    title: name ?? formatAddress(address),
    kind: 'configured',
    // On a link that it shares with the peer this host may have another address than the others know it by.
    local: multihop === undefined ? undefined : self?.addresses[address.family],
    remote: address,
    ...{ asn, password, multihop },
    isHost: others(reachability).some(({ addresses }) => Object.values(addresses).some(isItsAddress)),
    reflectedUnder: undefined,
    isExpected: true,
  };
}

/** BIRD's names have letters, digits and underscores. */
function protocolName(kind: 'host' | 'peer', { family, bits }: IpAddress): string {
  if (family === 4) return `${kind}_${formatAddress({ family, bits }).replaceAll('.', '_')}`;
  const groups = bits.toString(16).padStart(32, '0').match(/.{4}/g) ?? [];
  return [kind, ...groups].join('_');
}
