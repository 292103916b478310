import { formatAddress, type IpAddress, isSameAddress } from '../net/address.ts';
import { type Cidr, cidrContains, cidrsOverlap, formatCidr, isWithin, networkAddress } from '../net/cidr.ts';
import type { Endpoint, SubnetLease } from './lease.ts';
import type { Peer, Plane } from './plane.ts';

/** What decides how the other hosts are reached. */
export type PeerRules = {
  /** Whether an address of the underlay is reached without a router. */
  readonly isOnLink: (address: IpAddress) => boolean;
  /** Whether hosts that are on the link are reached without VXLAN. */
  readonly directRouting: boolean;
  /** The lease that this host holds, if any. */
  readonly own: SubnetLease | undefined;
};

/** The other hosts as a plane takes them, and leases that it does not take, with a sentence for the log. */
export type Peers = {
  readonly peers: readonly Peer[];
  readonly refused: readonly { readonly name: string; readonly because: string }[];
};

/**
 * Which of the leases this plane follows. Of two that exclude each other the one with the wider subnet gives way, or
 * the one whose name comes later: so all hosts choose alike, in whatever order they have heard of them.
 */
export function peersOf(plane: Plane, leases: Iterable<SubnetLease>, rules: PeerRules): Peers {
  const candidates = candidatesOf(plane, leases, rules);
  const claims = new Claims(candidates);
  const peers: Peer[] = [];
  const refused: { name: string; because: string }[] = [];
  for (const candidate of candidates) {
    const because = problemOf(candidate.endpoint, plane) ?? claims.problemOf(candidate);
    if (because !== undefined) {
      refused.push({ name: candidate.name, because });
      continue;
    }
    claims.add(candidate);
    peers.push(toPeer(candidate.endpoint, plane, rules));
  }
  return { peers, refused };
}

type Candidate = { readonly name: string; readonly endpoint: Endpoint };

/** Leases of other hosts that have this plane's family, the narrowest subnets first. */
function candidatesOf(
  { family }: Plane,
  leases: Iterable<SubnetLease>,
  { own }: PeerRules,
): readonly Candidate[] {
  return [...leases]
    .flatMap(({ name, endpoints }) => {
      const endpoint = endpoints[family];
      return endpoint === undefined || name === own?.name ? [] : [{ name, endpoint }];
    })
    .sort(
      (one, other) =>
        other.endpoint.subnet.prefixLength - one.endpoint.subnet.prefixLength ||
        (one.name < other.name ? -1 : Number(one.name > other.name)),
    );
}

function toPeer({ subnet, publicAddress, vtepMac }: Endpoint, { mode }: Plane, rules: PeerRules): Peer {
  const isDirect = mode === 'l3' && rules.directRouting && rules.isOnLink(publicAddress);
  return { subnet, publicAddress, vtepMac, isDirect };
}

/** What keeps a lease out whatever the others are. */
function problemOf({ vni, subnet, publicAddress, vtepMac }: Endpoint, plane: Plane): string | undefined {
  if (vni !== plane.vni) return `its VNI is ${vni}, that of this overlay is ${plane.vni}`;
  if (isSameAddress(publicAddress, plane.publicAddress))
    return `its public address ${formatAddress(publicAddress)} is this host's own`;
  if (vtepMac === plane.mac) return `the MAC of its VXLAN device, ${vtepMac}, is that of this host's own`;
  if (plane.mode === 'l3' && !isWithin(subnet, plane.network))
    return `its subnet ${formatCidr(subnet)} is not in the overlay's network ${formatCidr(plane.network)}`;
  if (cidrsOverlap(subnet, plane.subnet))
    return `its subnet ${formatCidr(subnet)} overlaps with this host's, ${formatCidr(plane.subnet)}`;
  const swallowed = [publicAddress, plane.publicAddress].find((address) => cidrContains(subnet, address));
  if (swallowed !== undefined)
    return `its subnet ${formatCidr(subnet)} has the public address ${formatAddress(swallowed)} in it`;
  return undefined;
}

/** What the peers taken so far have, of which the kernel can lead each only to one host. */
class Claims {
  readonly #lengths: ReadonlySet<number>;
  /** The lease that has a part of a network, by the network. */
  readonly #subnets = new Map<string, string>();
  readonly #macs = new Map<string, Candidate>();

  constructor(candidates: readonly Candidate[]) {
    this.#lengths = new Set(candidates.map(({ endpoint }) => endpoint.subnet.prefixLength));
  }

  problemOf({ endpoint: { subnet, vtepMac, publicAddress } }: Candidate): string | undefined {
    const holder = this.#subnets.get(keyOf(subnet));
    if (holder !== undefined)
      return `its subnet ${formatCidr(subnet)} overlaps with that of the lease ${holder}`;
    const twin = this.#macs.get(vtepMac);
    if (twin === undefined || isSameAddress(twin.endpoint.publicAddress, publicAddress)) return undefined;
    return `the MAC of its VXLAN device, ${vtepMac}, is that of the lease ${twin.name}, too`;
  }

  /** Notes the subnet under every wider one that may come, so that looking costs the same however many peers there are. */
  add(candidate: Candidate): void {
    const { subnet, vtepMac } = candidate.endpoint;
    this.#macs.set(vtepMac, candidate);
    for (const prefixLength of this.#lengths) {
      if (prefixLength > subnet.prefixLength) continue;
      this.#subnets.set(keyOf({ address: subnet.address, prefixLength }), candidate.name);
    }
  }
}

function keyOf(cidr: Cidr): string {
  return `${networkAddress(cidr).bits}/${cidr.prefixLength}`;
}
