import { messageOf } from '../../errors/cni-error.ts';
import type { Family } from '../../net/address.ts';
import type { Cidr } from '../../net/cidr.ts';
import { byFamily } from './by-family.ts';
import { chooseSubnet, type SubnetChoice } from './choose-subnet.ts';
import { describeClone, isClones } from './clone.ts';
import type { Endpoint, SubnetLease, Subnets } from './lease.ts';
import { renderSubnetName } from './name.ts';
import type { NetworkConfig } from './network-config.ts';
import { subnetsOverlap } from './overlap.ts';
import { type Entry, entriesOf, findOwn, type Identity, type Self } from './owner.ts';
import { type LeaseTable, subnetsByName } from './table.ts';
import { type LeaseProblem, renderLease } from './text.ts';

const families: readonly Family[] = [4, 6];

/** What a host does about its lease. */
export type LeasePlan =
  /** Nothing: it has one that says what it should. */
  | { readonly kind: 'keep'; readonly entry: Entry; readonly lease: SubnetLease }
  /** The key is ours, and is to say something else, or to end with another lease of etcd. */
  | { readonly kind: 'rewrite'; readonly entry: Entry; readonly lease: SubnetLease }
  /** The key is ours, and goes: another host was the first to lease a part of it. */
  | { readonly kind: 'give-way'; readonly entry: Entry; readonly to: Entry }
  /** The key has our id and is another machine's. */
  | { readonly kind: 'leave'; readonly entry: Entry; readonly because: string }
  | { readonly kind: 'claim'; readonly lease: SubnetLease }
  /** There is nothing that could be claimed. */
  | { readonly kind: 'wait'; readonly because: string };

/** What a plan is made from. */
export type LeaseSituation = {
  /** As it is in etcd now. */
  readonly table: LeaseTable;
  /** Of the keys, for the messages. */
  readonly prefix: string;
  readonly identity: Identity;
  /** The key of the lease that the host holds, if any, as it was left. */
  readonly held: Entry | undefined;
  /** That this process has written in its key; undefined before it has. */
  readonly addresses: ReadonlySet<string> | undefined;
  /** The lease of etcd that the host keeps alive, if any. */
  readonly etcdLease: string | undefined;
  /** Where a claim begins. */
  readonly preferred: Subnets;
  readonly random: () => number;
};

/** Decides; each plan is carried out only if etcd still is as it was read. */
export function planLease(situation: LeaseSituation): LeasePlan {
  const { table, identity, held, addresses } = situation;
  const entries = entriesOf(table);
  const damaged = held && findDamaged(held, table);
  const own = damaged ?? findOwn(entries, identity, held?.name);
  if (own === undefined) return planClaim(situation);
  if (isClones(own, entries, addresses)) return { kind: 'leave', entry: own, because: describeClone(own) };
  const first = findEarlier(own, entries, identity);
  if (first !== undefined) return { kind: 'give-way', entry: own, to: first };
  const plan = planOwn(own, situation);
  return plan.kind === 'keep' && damaged !== undefined ? { ...plan, kind: 'rewrite' } : plan;
}

/** Our key with a value that is not understood: it is nobody else's, and ends again with what it ended with. */
function findDamaged(held: Entry, { problems }: LeaseTable): Entry | undefined {
  const stored = problems.get(held.name);
  if (stored === undefined) return undefined;
  const { createRevision, modRevision } = stored;
  return { ...held, createRevision, modRevision };
}

/**
 * Another host's lease of which ours has a part, and which was there before: the keys differ, in length or in the other
 * family, so that both could be made.
 */
function findEarlier(own: Entry, entries: readonly Entry[], { node }: Identity): Entry | undefined {
  return entries.find(
    (entry) =>
      entry.createRevision < own.createRevision &&
      entry.node !== node &&
      subnetsOverlap(entry.subnets, own.subnets),
  );
}

/** A key that fits the configuration no more is kept nevertheless: containers run there. */
function planOwn(entry: Entry, { identity, etcdLease }: LeaseSituation): LeasePlan {
  const endpoints = byFamily((family) => ownEndpoint(entry, family, identity.self));
  const lease: SubnetLease = { name: entry.name, endpoints, node: identity.node };
  const missing = families.find((family) => entry.subnets[family] && endpoints[family] === undefined);
  if (missing !== undefined)
    return wait(`${entry.name} is reserved for this host, which has no IPv${missing} address`);
  const isSaid = renderLease(entry).value === renderLease(lease).value;
  const isKept = entry.etcdLease === undefined || entry.etcdLease === etcdLease;
  return { kind: isSaid && isKept ? 'keep' : 'rewrite', entry, lease };
}

/** Of a family whose address the host has lost for the moment, the lease goes on to say the last one. */
function ownEndpoint({ subnets, endpoints }: Entry, family: Family, self: Self): Endpoint | undefined {
  return subnets[family] && (toEndpoint(subnets[family], self[family]) ?? endpoints[family]);
}

function toEndpoint(subnet: Cidr | undefined, part: Self[Family]): Endpoint | undefined {
  return subnet && part && { subnet, ...part };
}

function planClaim({ table, identity, prefix, preferred, random }: LeaseSituation): LeasePlan {
  const config = usableConfig(table, prefix);
  if ('problem' in config) return wait(config.problem);
  const missing = families.find((family) => config.ranges[family] && identity.self[family] === undefined);
  if (missing !== undefined)
    return wait(`the overlay has IPv${missing}, and this host has no IPv${missing} address`);
  const taken = [...subnetsByName(table).values()].flatMap((subnets) => Object.values(subnets));
  const subnets = chooseOrNone({ config, taken, preferred, random });
  return 'because' in subnets ? subnets : { kind: 'claim', lease: leaseOf(subnets, identity) };
}

/** The configuration, or why nothing can be leased by it. */
export function usableConfig({ config }: LeaseTable, prefix: string): NetworkConfig | LeaseProblem {
  return config ?? { problem: `etcd has no key ${prefix}/config: write the overlay's configuration there` };
}

function chooseOrNone(choice: SubnetChoice): Subnets | ReturnType<typeof wait> {
  try {
    return chooseSubnet(choice);
  } catch (error) {
    return wait(messageOf(error));
  }
}

function leaseOf(subnets: Subnets, { node, self }: Identity): SubnetLease {
  const endpoints = byFamily((family) => toEndpoint(subnets[family], self[family]));
  return { name: renderSubnetName(subnets), endpoints, node };
}

function wait(because: string) {
  return { kind: 'wait', because } as const;
}
