import { type Cluster, overlayPrefix } from './cluster.ts';
import type { NamedLease } from './overlay-state.ts';
import { quietly } from './overlay-state-event.ts';
import type { Kind } from './overlay-state-kind.ts';
import { addressOf } from './underlay.ts';
import { until } from './until.ts';

// What happens in etcd.

/** A host that neither is told anything nor tells anything has its lease for as long as it was granted. */
export const leaseEnds: Kind = (world) =>
  world.members
    .filter((member) => !member.isServing && member.lease !== undefined)
    .map((member) => ({
      what: `the lease of ${member.name} ends`,
      happen: quietly(() =>
        until(async () => {
          await world.look();
          return member.lease === undefined;
        }, `the lease of ${member.name} to end`),
      ),
    }));

/** It is the host's again in a moment, if it serves. */
export const leaseIsDeleted: Kind = ({ cluster, members }) =>
  members.flatMap(({ name, lease }) =>
    lease === undefined
      ? []
      : [
          {
            what: `somebody deletes the lease of ${name}`,
            happen: quietly(() => deleteLease(cluster, lease)),
          },
        ],
  );

/** At most two, so that there is a subnet for each host. */
const strangers = [91, 92];

/** Somebody leases what a host had; who that is does not matter, and its containers are nobody's business. */
export const strangerComes: Kind = ({ cluster, members, leases }) => {
  const isAway = (number: number) => !leases.some(({ PublicIP }) => PublicIP === addressOf(number));
  const stranger = strangers.find(isAway);
  if (stranger === undefined) return [];
  return members.flatMap(({ name, lease, lastLease }) => {
    const isFree = lease === undefined && !leases.some((each) => each.name === lastLease?.name);
    if (!isFree || lastLease === undefined) return [];
    const happen = quietly(() => putLease(cluster, lastLease, stranger));
    return [{ what: `a stranger leases ${lastLease.name}, which ${name} had`, happen }];
  });
};

/** The subnet is free again. */
export const strangerGoes: Kind = ({ cluster, leases }) =>
  leases
    .filter(({ PublicIP }) => strangers.some((number) => addressOf(number) === PublicIP))
    .map((lease) => ({
      what: `the stranger with ${lease.name} is gone`,
      happen: quietly(() => deleteLease(cluster, lease)),
    }));

/** Nothing is answered until there is another leader. */
export const leaderIsKilled: Kind = ({ cluster: { etcd } }) => [
  {
    what: 'the leader of etcd is killed, and starts when there is another',
    happen: async () => {
      const leader = await etcd.leader();
      await leader.kill();
      await etcd.leader();
      await leader.restart();
      return `: ${leader.name}`;
    },
  },
];

function deleteLease({ etcd }: Cluster, { name }: NamedLease): Promise<unknown> {
  return etcd.etcdctl('del', `${overlayPrefix}/subnets/${name}`);
}

/** Such as flanneld writes it, of a machine with this number. */
function putLease({ etcd }: Cluster, { name }: NamedLease, number: number): Promise<unknown> {
  const v6 = {
    PublicIPv6: `2001:db8:5::${number}`,
    BackendV6Data: { VNI: 1, VtepMAC: `02:00:00:00:06:${number}` },
  };
  const value = {
    PublicIP: addressOf(number),
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: `02:00:00:00:04:${number}` },
    ...(name.includes('&') ? v6 : {}),
  };
  return etcd.etcdctl('put', `${overlayPrefix}/subnets/${name}`, JSON.stringify(value));
}
