import { formatAddress, type IpAddress, isSameAddress } from '../../net/address.ts';
import {
  type Cidr,
  cidrContains,
  cidrsOverlap,
  formatCidr,
  isWithin,
  networkAddress,
} from '../../net/cidr.ts';
import type { Endpoint, SubnetLease } from '../lease/lease.ts';
import type { Peer, Plane } from './plane.ts';

/** What decides how the other hosts are reached. */
export type PeerRules = {
  /** Whether an address of the underlay is reached without a router. */
  readonly isOnLink: (address: IpAddress) => boolean;
  /** Whether hosts that are on the link are reached without VXLAN. */
  readonly directRouting: boolean;
  /** The lease that this host holds, if any; `taken` where its subnet is others' now, who are to be reached by it. */
  readonly own: SubnetLease | 'taken' | undefined;
};

/** The other hosts as a plane takes them, and leases that it does not take, with a sentence for the log. */
export type Peers = {
  readonly peers: readonly Peer[];
  readonly refused: readonly { readonly name: string; readonly because: string }[];
};

/**
 * Which of the leases this plane follows. Of two that exclude each other the later one gives way.
 * @param leases the oldest first: so all hosts choose alike, and nobody who comes later takes a host from the others
 */
export function peersOf(plane: Plane, leases: Iterable<SubnetLease>, rules: PeerRules): Peers {
  const candidates = candidatesOf(plane, leases, rules);
  const claims = new Claims(candidates);
  const peers: Peer[] = [];
  const refused: { name: string; because: string }[] = [];
  for (const candidate of candidates) {
    const because = problemOf(candidate.endpoint, plane, rules) ?? claims.problemOf(candidate);
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

/** Leases of other hosts that have this plane's family. */
function candidatesOf(
  { family }: Plane,
  leases: Iterable<SubnetLease>,
  { own }: PeerRules,
): readonly Candidate[] {
  const ownName = own === 'taken' ? undefined : own?.name;
  return [...leases].flatMap(({ name, endpoints }) => {
    const endpoint = endpoints[family];
    return endpoint === undefined || name === ownName ? [] : [{ name, endpoint }];
  });
}

function toPeer({ subnet, publicAddress, vtepMac }: Endpoint, { mode }: Plane, rules: PeerRules): Peer {
  const isDirect = mode === 'l3' && rules.directRouting && rules.isOnLink(publicAddress);
  return { subnet, publicAddress, vtepMac, isDirect };
}

/** What keeps a lease out whatever the others are. */
function problemOf(
  { vni, subnet, publicAddress, vtepMac }: Endpoint,
  plane: Plane,
  { own }: PeerRules,
): string | undefined {
  if (vni !== plane.vni) return `its VNI is ${vni}, that of this overlay is ${plane.vni}`;
  if (isSameAddress(publicAddress, plane.publicAddress))
    return `its public address ${formatAddress(publicAddress)} is this host's own`;
  if (vtepMac === plane.mac) return `the MAC of its VXLAN device, ${vtepMac}, is that of this host's own`;
  if (plane.mode === 'l3' && !isWithin(subnet, plane.network))
    return `its subnet ${formatCidr(subnet)} is not in the overlay's network ${formatCidr(plane.network)}`;
  if (own !== 'taken' && cidrsOverlap(subnet, plane.subnet))
    return `its subnet ${formatCidr(subnet)} overlaps with this host's, ${formatCidr(plane.subnet)}`;
  const swallowed = [publicAddress, plane.publicAddress].find((address) => cidrContains(subnet, address));
  if (swallowed !== undefined)
    return `its subnet ${formatCidr(subnet)} has the public address ${formatAddress(swallowed)} in it`;
  return undefined;
}

/** What the peers taken so far have, of which the kernel can lead each only to one host. */
class Claims {
  readonly #lengths: readonly number[];
  /** The lease that has a network, by the network. */
  readonly #whole = new Map<string, string>();
  /** The lease that has a part of a network, by the network. */
  readonly #parts = new Map<string, string>();
  readonly #macs = new Map<string, Candidate>();

  constructor(candidates: readonly Candidate[]) {
    this.#lengths = [...new Set(candidates.map(({ endpoint }) => endpoint.subnet.prefixLength))];
  }

  problemOf({ endpoint: { subnet, vtepMac, publicAddress } }: Candidate): string | undefined {
    const holder = this.#holderOf(subnet);
    if (holder !== undefined)
      return `its subnet ${formatCidr(subnet)} overlaps with that of the lease ${holder}`;
    const twin = this.#macs.get(vtepMac);
    if (twin === undefined || isSameAddress(twin.endpoint.publicAddress, publicAddress)) return undefined;
    return `the MAC of its VXLAN device, ${vtepMac}, is that of the lease ${twin.name}, too`;
  }

  add({ name, endpoint }: Candidate): void {
    this.#macs.set(endpoint.vtepMac, { name, endpoint });
    this.#whole.set(keyOf(endpoint.subnet), name);
    for (const network of this.#around(endpoint.subnet)) this.#parts.set(network, name);
  }

  #holderOf(subnet: Cidr): string | undefined {
    const around = this.#around(subnet).map((network) => this.#whole.get(network));
    return this.#parts.get(keyOf(subnet)) ?? around.find((name) => name !== undefined);
  }

  /** The subnet, and every wider network that some lease may have: few, however many leases there are. */
  #around({ address, prefixLength }: Cidr): readonly string[] {
    const lengths = this.#lengths.filter((length) => length <= prefixLength);
    return lengths.map((length) => keyOf({ address, prefixLength: length }));
  }
}

function keyOf(cidr: Cidr): string {
  return `${networkAddress(cidr).bits}/${cidr.prefixLength}`;
}
