import { formatCidr, networkOf } from '../../lib/net/cidr.ts';
import { type Attached, reaches } from './cluster.ts';
import { cidr } from './overlay-planes.ts';
import { compareEntries, type NamedLease, observeOverlay, overlayOf } from './overlay-state.ts';
import { isAmong, type Member } from './overlay-state-member.ts';
import { registered } from './rig-registry.ts';

// What is wrong between etcd, the kernels, subnet.env and the registries of hosts, each thing in a sentence.

/** What the leases demand and a host's kernel has not, or the kernel has and no lease demands. */
export async function kernelProblems(
  member: Member,
  leases: readonly NamedLease[],
): Promise<readonly string[]> {
  const { lease, name, host } = member;
  if (!member.isServing) return [];
  if (lease === undefined) return [`${name} has no lease in etcd`];
  const others = leases.filter((each) => each.name !== lease.name);
  const problems = compareEntries(await observeOverlay(host.netns), overlayOf(lease, others));
  return problems.map((problem) => `the kernel of ${name} ${problem}`);
}

/** A subnet.env that offers what is not the host's, or on a host that serves does not offer what is. */
export function subnetFileProblems(member: Member): readonly string[] {
  const { name, host, subnets } = member;
  const { FLANNEL_SUBNET: v4, FLANNEL_IPV6_SUBNET: v6 } = host.subnet();
  const offered = member.mayAttach
    ? [v4, v6].flatMap((text) => (text === undefined ? [] : formatCidr(networkOf(cidr(text)))))
    : [];
  const isRight = offered.join() === subnets.join() || (offered.length === 0 && !member.isServing);
  return isRight ? [] : [`subnet.env of ${name} offers ${listed(offered)}, and etcd has ${listed(subnets)}`];
}

/** Containers that a host's registry lacks or should not have, and addresses that were never the host's to give. */
export function registryProblems({ name, host, containers, held }: Member): readonly string[] {
  const found = registered(host.rig) ?? [];
  const wanted = containers.flatMap(({ netns, addresses }) => addresses.map((each) => `${netns} at ${each}`));
  const differences = compareEntries(
    found.map(({ service, address }) => `${service} at ${address}`),
    wanted,
  );
  const strange = found.filter(({ address }) => !isAmong(address, held));
  return [
    ...differences.map((problem) => `the registry of ${name} ${problem}`),
    ...strange.map(({ service, address }) => `${service} has ${address}, which was never of ${name}`),
  ];
}

/** An address that several containers have. */
export type Twice = {
  readonly what: string;
  /** Whether it can be explained: but for one, its hosts could not renew the lease of its subnet when that ended. */
  readonly isExcused: boolean;
};

/** Addresses that were handed out on several hosts, or several times on one. */
export function handedOutTwice(members: readonly Member[]): readonly Twice[] {
  const holders = Map.groupBy(members.flatMap(addressesOf), ({ address }) => address);
  return [...holders].flatMap(([address, all]) => {
    if (all.length < 2) return [];
    const what = `${address} is that of ${listed(all.map(({ netns, member }) => `${netns} on ${member.name}`))}`;
    const inTheRight = all.filter(({ member }) => !isAmong(address, member.lapsed));
    return [{ what, isExcused: inTheRight.length < 2 }];
  });
}

function addressesOf(member: Member) {
  return member.containers.flatMap(({ netns, addresses }) =>
    addresses.map((address) => ({ member, netns, address })),
  );
}

/** Hosts of which a container gets no echo from one of the next host. */
export async function trafficProblems(members: readonly Member[]): Promise<readonly string[]> {
  const ends = members.flatMap((member) => {
    const [container] = member.isServing ? member.reachable : [];
    return container === undefined ? [] : [{ name: member.name, container }];
  });
  const checked = ends.map(async ({ name, container }, at) => {
    const { container: next = container } = ends[(at + 1) % ends.length] ?? {};
    return next === container || (await reaches(container, next)) ? [] : [noEcho(name, container, next)];
  });
  return (await Promise.all(checked)).flat();
}

function noEcho(name: string, from: Attached, to: Attached): string {
  return `${from.netns} of ${name} gets no echo from ${to.netns} at ${to.addresses.join(' and ')}`;
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? 'nothing' : texts.join(' and ');
}
